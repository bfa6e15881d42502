package jsonform

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// reader collects what is wrong with a document.
type reader struct {
	text []byte
	errs []*Error
}

func (r *reader) fail(n node, path, format string, args ...any) {
	r.errs = append(r.errs, newError(r.text, n.at, path, fmt.Sprintf(format, args...)))
}

// sorted returns what is wrong in the order of the text.
func (r *reader) sorted() []error {
	slices.SortStableFunc(r.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := make([]error, len(r.errs))
	for i, err := range r.errs {
		errs[i] = err
	}
	return errs
}

// object is an object of the document whose members are asked for by name.
type object struct {
	r *reader
	node
	path string
}

// object takes a node for an object that has no members but the known ones, and
// none twice.
func (r *reader) object(n node, path string, known ...string) (object, bool) {
	o := object{r, n, path}
	if n.token != json.Delim('{') {
		r.fail(n, path, "want an object")
		return o, false
	}
	for i, m := range n.members {
		switch {
		case !slices.Contains(known, m.name):
			r.fail(m.node, o.pathOf(m.name), "unknown; known here are %s", strings.Join(known, ", "))
		case slices.ContainsFunc(n.members[:i], func(other field) bool { return other.name == m.name }):
			r.fail(m.node, o.pathOf(m.name), "is here twice")
		}
	}
	return o, true
}

func (o object) pathOf(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// fail reports a member, or the object if it has none of that name.
func (o object) fail(name, format string, args ...any) {
	n, ok := o.get(name)
	if !ok {
		n = o.node
	}
	o.r.fail(n, o.pathOf(name), format, args...)
}

func (o object) get(name string) (node, bool) {
	for _, m := range o.members {
		if m.name == name {
			return m.node, true
		}
	}
	return node{}, false
}

func (o object) has(name string) bool {
	_, ok := o.get(name)
	return ok
}

// string returns a member that is a string, missing if it is not there.
func (o object) string(name, missing string) string {
	n, ok := o.get(name)
	if !ok {
		return missing
	}
	s, ok := n.token.(string)
	if !ok {
		o.fail(name, "want a string")
		return missing
	}
	return s
}

// name is a string that the kernel has room for.
func (o object) name(name, missing string, most int) string {
	s := o.string(name, missing)
	if len(s) > most || strings.ContainsRune(s, 0) {
		o.fail(name, "want at most %d bytes, none of them 0", most)
	}
	return s
}

// number returns a member that is a whole number from 0 to most, missing if it
// is not there.
func (o object) number(name string, missing, most uint64) uint64 {
	n, ok := o.get(name)
	if !ok {
		return missing
	}
	text, _ := n.token.(json.Number)
	v, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil || v > most {
		o.fail(name, "want a whole number from 0 to %d", most)
		return missing
	}
	return v
}

// strings returns a member that is an array of strings.
func (o object) strings(name string) []string {
	n, ok := o.get(name)
	if !ok {
		return nil
	}
	if n.token != json.Delim('[') {
		o.fail(name, "want an array of strings")
		return nil
	}
	var list []string
	for i, item := range n.items {
		s, ok := item.token.(string)
		if !ok {
			o.r.fail(item, fmt.Sprintf("%s[%d]", o.pathOf(name), i), "want a string")
			continue
		}
		list = append(list, s)
	}
	return list
}

// objects returns the elements of a member that is an array.
func (o object) objects(name string) []node {
	n, ok := o.get(name)
	if ok && n.token != json.Delim('[') {
		o.fail(name, "want an array")
	}
	return n.items
}
