package ipvs

import (
	"bytes"
	"reflect"
	"testing"
)

func TestAPointerToAnOpStandsForItsValue(t *testing.T) {
	kinds := map[reflect.Type]bool{}
	for line, op := range sameAsIpvsadm() {
		p := reflect.New(reflect.TypeOf(op))
		p.Elem().Set(reflect.ValueOf(op))
		pointer := p.Interface().(Op)
		kinds[p.Type()] = true
		want, err := appendOp(nil, op)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if got, err := appendOp(nil, pointer); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v; want %x", line, got, err, want)
		}
		if got := RequestOf(pointer); got != RequestOf(op) {
			t.Errorf("%s: request %v, want %v", line, got, RequestOf(op))
		}
		for _, o := range []Op{op, pointer} {
			if got := ValueOf(o); got != op {
				t.Errorf("%s: value of %T is %#v", line, o, got)
			}
		}
	}
	if len(kinds) != 11 {
		t.Errorf("%d kinds of operations: %v", len(kinds), kinds)
	}
	if ValueOf(nil) != nil || RequestOf(nil) != 0 {
		t.Error("no operation has a value")
	}
}

// TestDoTakesPointers looks at StopDaemon too, which is never the last request of
// a send.
func TestDoTakesPointers(t *testing.T) {
	k := &strict{}
	c, f := fakeClient(nil)
	f.answer = k.answer
	ops := []Op{&AddService{service(tcp("10.0.0.1:80"), "rr")}, &AddDestination{tcp("10.0.0.1:80"), dest("10.0.0.2:80", Route, 1)}}
	if errs := c.Do(ops...); errs != nil {
		t.Error(errs)
	}
	c, f = fakeClient(nil)
	var last []uint8
	f.answer = func(sent []message) []datagram {
		last = append(last, sent[len(sent)-1].body[0])
		return []datagram{refuse(sent[len(sent)-1], 0)}
	}
	if errs := c.Do(&StopDaemon{Master}); errs != nil || len(last) != 1 || last[0] != uint8(ReqGetInfo) {
		t.Errorf("%v, last requests %v", errs, last)
	}
}
