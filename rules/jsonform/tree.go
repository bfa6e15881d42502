package jsonform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Error says what is wrong with a document, and where.
type Error struct {
	// Line and Column count from 1, columns in characters.
	Line, Column int
	// Path leads to the value: services[2].destinations[0].weight; "" if the
	// text is no JSON at all.
	Path string
	Text string
}

func (e *Error) Error() string {
	where := fmt.Sprintf("line %d, column %d: ", e.Line, e.Column)
	if e.Path != "" {
		where += e.Path + ": "
	}
	return where + e.Text
}

// newError finds line and column of the byte at an offset.
func newError(text []byte, at int, path, what string) *Error {
	before := text[:min(max(at, 0), len(text))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return &Error{bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1, path, what}
}

// node is a value of a document, with the place where it begins.
type node struct {
	at      int
	token   json.Token // '{' or '[' as json.Delim, json.Number, string, bool or nil
	members []field
	items   []node
}

type field struct {
	name string
	node
}

// parseTree reads a document, which must be whole.
func parseTree(text []byte) (node, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		begin := len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
		switch {
		case begin == len(text):
			return node{}, newError(text, begin, "", "the document is empty")
		case text[begin] == '-' || text[begin] == '#': // a line of -S, or a comment before
			return node{}, newError(text, begin, "", "this is no JSON, but what is read without --json")
		}
		at := len(text)
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) && int(syntax.Offset) < len(text) {
			at = int(syntax.Offset) - 1
		}
		return node{}, newError(text, at, "", err.Error())
	}
	t := treeReader{text, json.NewDecoder(bytes.NewReader(text))}
	t.dec.UseNumber()
	return t.value(), nil
}

// treeReader walks through text that is known to be JSON.
type treeReader struct {
	text []byte
	dec  *json.Decoder
}

func (t treeReader) value() node {
	n := node{at: t.next()}
	n.token = t.token()
	switch n.token {
	case json.Delim('{'):
		for t.dec.More() {
			at := t.next()
			name, _ := t.token().(string)
			m := field{name, t.value()}
			m.at = at // of its name, which is what people look for
			n.members = append(n.members, m)
		}
		t.token()
	case json.Delim('['):
		for t.dec.More() {
			n.items = append(n.items, t.value())
		}
		t.token()
	}
	return n
}

// token returns the next token; that it is there, parseTree has seen.
func (t treeReader) token() json.Token {
	token, _ := t.dec.Token()
	return token
}

// next returns where the next token begins.
func (t treeReader) next() int {
	at := int(t.dec.InputOffset())
	for at < len(t.text) && bytes.IndexByte([]byte(" \t\r\n:,"), t.text[at]) >= 0 {
		at++
	}
	return at
}
