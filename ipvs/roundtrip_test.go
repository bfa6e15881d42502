package ipvs

import (
	"bytes"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRoundTrips writes random values as requests and reads them as if they
// were answers, which differ only in what they have more: value and bytes have
// to come back as they were.
func TestRoundTrips(t *testing.T) {
	t.Run("service", rapid.MakeCheck(func(t *rapid.T) {
		want := genService().Draw(t, "service")
		b, err := appendOp(nil, AddService{want})
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeService(b, new(Service))
		if err != nil || got != (ServiceState{Service: want}) {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		if again, _ := appendOp(nil, EditService{got.Service}); !bytes.Equal(again, b) {
			t.Fatalf("%x, want %x", again, b)
		}
	}))
	t.Run("destination", rapid.MakeCheck(func(t *rapid.T) {
		service, want := genKey().Draw(t, "service"), genDestination().Draw(t, "destination")
		b, err := appendOp(nil, AddDestination{service, want})
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeDestination(b, service.Family)
		if err != nil || got != (DestinationState{Destination: want}) {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		of, err := decodeService(b, new(Service))
		if err != nil || of.ServiceKey != service {
			t.Fatalf("service %+v, %v, want %+v", of.ServiceKey, err, service)
		}
	}))
	t.Run("daemon", rapid.MakeCheck(func(t *rapid.T) {
		want := genDaemon().Draw(t, "daemon")
		b, err := appendOp(nil, StartDaemon{want})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeDaemon(b); err != nil || got != want {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
	}))
	t.Run("timeouts", rapid.MakeCheck(func(t *rapid.T) {
		want := Timeouts{genSeconds().Draw(t, "tcp"), genSeconds().Draw(t, "fin"), genSeconds().Draw(t, "udp")}
		b, err := appendOp(nil, SetTimeouts{want})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeTimeouts(b); err != nil || got != want {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
	}))
	t.Run("keys", rapid.MakeCheck(func(t *rapid.T) {
		service, addr := genKey().Draw(t, "service"), genAddrPort(genFamily().Draw(t, "family")).Draw(t, "address")
		b, err := appendOp(nil, DeleteDestination{service, addr})
		if err != nil {
			t.Fatal(err)
		}
		s, err := decodeService(b, new(Service))
		if err != nil || s.ServiceKey != service {
			t.Fatalf("%+v, %v, want %+v", s, err, service)
		}
		d, err := decodeDestination(b, 0)
		if err != nil || d.Addr != addr {
			t.Fatalf("%+v, %v, want %v", d, err, addr)
		}
	}))
}

// TestEveryRequestIsBounded: the size of a batch is reckoned with maxMessage.
func TestEveryRequestIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := genOp().Draw(t, "op")
		if s, ok := op.(AddService); ok {
			s.Service.Scheduler = string(bytes.Repeat([]byte{'s'}, 255))
			s.Service.PE = s.Service.Scheduler
			op = s
		}
		b, at := beginMessage(nil, 28, 0, 1, uint8(RequestOf(op)), genlVersion)
		b, err := appendOp(b, op)
		endMessage(b, at)
		if err != nil || len(b) > maxMessage || len(b)%4 != 0 {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		m, rest, err := nextMessage(b)
		if err != nil || len(rest) != 0 || m.seq != 1 || m.typ != 28 || m.body[0] != uint8(RequestOf(op)) {
			t.Fatalf("%+v, %d bytes more, %v", m, len(rest), err)
		}
	})
}

func TestSeconds(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want uint32
	}{{0, 0}, {time.Second - 1, 0}, {time.Second, 1}, {90*time.Second + 1, 90}, {math.MaxUint32 * time.Second, math.MaxUint32}} {
		if got, err := seconds(c.d); err != nil || got != c.want {
			t.Errorf("%v: %d, %v, want %d", c.d, got, err, c.want)
		}
	}
}
