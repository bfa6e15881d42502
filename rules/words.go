package rules

import (
	"bytes"
	"hash/maphash"
	"io"
)

// wordBytes is the length at which ipvsadm breaks a word of a restore stream.
const wordBytes = 4096

// lineReader splits a restore stream into lines of words. Blanks, tabs and
// carriage returns end a word, line feeds a line; nothing quotes them.
type lineReader struct {
	in  io.Reader
	buf []byte // what was read; buf[next:end] is still to be split
	// next and end bound what is left of the last read.
	next, end int
	line      []byte // a line whose beginning left buf
	number    int    // of the line at hand, from 1
	err       error  // why there is no more to read
	// beforeRead runs before every read, which may block for long.
	beforeRead func()
	words      []string
	known      knownWords
}

func newLineReader(in io.Reader, beforeRead func()) *lineReader {
	return &lineReader{in: in, buf: make([]byte, 32<<10), beforeRead: beforeRead, known: knownWords{seed: maphash.MakeSeed()}}
}

// nextWords returns the words of the next line that has any, valid until the call
// after, and false at the end of the stream. A read error is an end.
func (r *lineReader) nextWords() ([]string, bool) {
	for {
		line, ok := r.nextLine()
		if !ok {
			return nil, false
		}
		if r.split(line); len(r.words) > 0 {
			return r.words, true
		}
	}
}

// nextLine returns the next line without its line feed.
func (r *lineReader) nextLine() ([]byte, bool) {
	r.line = r.line[:0]
	r.number++
	for {
		if i := bytes.IndexByte(r.buf[r.next:r.end], '\n'); i >= 0 {
			line := r.buf[r.next : r.next+i]
			r.next += i + 1
			if len(r.line) == 0 {
				return line, true
			}
			r.line = append(r.line, line...)
			return r.line, true
		}
		r.line = append(r.line, r.buf[r.next:r.end]...)
		r.next, r.end = 0, 0
		if r.err != nil {
			return r.line, len(r.line) > 0
		}
		r.beforeRead()
		r.end, r.err = r.in.Read(r.buf)
	}
}

// split puts the words of a line into r.words. The word ipvsadm is dropped
// wherever it stands.
func (r *lineReader) split(line []byte) {
	r.words = r.words[:0]
	for start := 0; start < len(line); {
		if isBlank(line[start]) {
			start++
			continue
		}
		end := start + 1
		for end < len(line) && end-start < wordBytes && !isBlank(line[end]) {
			end++
		}
		if word := r.known.text(line[start:end]); word != "ipvsadm" {
			r.words = append(r.words, word)
		}
		start = end
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// knownWords makes strings of words. A table says most of its words many times;
// to remember some of the last saves making them each time.
type knownWords struct {
	seed maphash.Seed
	last [256]string // each where its hash says
}

func (k *knownWords) text(word []byte) string {
	s := &k.last[maphash.Bytes(k.seed, word)%uint64(len(k.last))]
	if *s != string(word) {
		*s = string(word)
	}
	return *s
}
