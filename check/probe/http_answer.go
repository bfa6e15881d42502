package probe

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"hash"
	"slices"

	"ipvsadm/check"
)

// answer takes the answer of a web server piece by piece, and keeps of it only
// what the verdict depends on.
//
// It goes by what keepalived 2.2.7 makes of the same bytes. The head ends with an
// empty line, of CR LF. Its first line has a word, and three digits between
// spaces. Nothing is decoded: the body is what comes after the head until the
// server closes the connection, chunks and all. A Content-Length limits what of
// it is in the digest, and nothing else.
type answer struct {
	head     []byte // as far as it has come, nil once it has ended
	ended    bool   // the head has
	status   int    // 0 for none
	left     int64  // bytes of the body that the digest still takes, -1 for all
	received int64  // bytes in all
	digest   hash.Hash
	search   *search
}

func newAnswer(ctx context.Context, p *page) *answer {
	a := &answer{left: -1}
	if p.HasDigest {
		a.digest = md5.New()
	}
	if p.pattern != nil {
		a.search = p.pattern.search(ctx)
	}
	return a
}

var errHeadTooLong = errors.New("the head of the answer does not end")

// take takes the next bytes.
func (a *answer) take(b []byte) error {
	if a.received += int64(len(b)); a.received > maxAnswer {
		return errTooMuch
	}
	if a.search != nil {
		a.search.write(b) // the head is searched too, as with keepalived
	}
	if !a.ended {
		a.head = append(a.head, b...)
		end := bytes.Index(a.head, []byte("\r\n\r\n"))
		if end < 0 {
			if len(a.head) > maxHead {
				return errHeadTooLong
			}
			return nil
		}
		a.ended, a.status, a.left = true, statusOf(a.head[:end+2]), lengthOf(a.head[:end+2])
		b, a.head = a.head[end+4:], nil
	}
	if a.digest != nil {
		if a.left >= 0 {
			b = b[:min(int64(len(b)), a.left)]
			a.left -= int64(len(b))
		}
		a.digest.Write(b)
	}
	return nil
}

// statusOf is the status in the first line of a head, 0 for none.
func statusOf(head []byte) int {
	line, _, _ := bytes.Cut(head, []byte("\r\n"))
	_, rest, _ := bytes.Cut(line, []byte(" "))
	if len(rest) < 4 || rest[3] != ' ' {
		return 0
	}
	status := 0
	for _, c := range rest[:3] {
		if c < '0' || c > '9' {
			return 0
		}
		status = status*10 + int(c-'0')
	}
	return status
}

// lengthOf is the Content-Length in a head, -1 for none that can be read.
func lengthOf(head []byte) int64 {
	const name = "content-length:"
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
			continue
		}
		value := bytes.TrimSpace(line[len(name):])
		length := int64(0)
		for _, c := range value {
			if c < '0' || c > '9' || length > maxAnswer {
				return -1
			}
			length = length*10 + int64(c-'0')
		}
		if len(value) == 0 {
			return -1
		}
		return length
	}
	return -1
}

// verdict is what the whole answer says of the server.
func (a *answer) verdict(p *page) check.Result {
	if !a.ended {
		return fail("Read, no data received")
	}
	good := slices.ContainsFunc(p.Status, func(r check.StatusRange) bool {
		return int(r.First) <= a.status && a.status <= int(r.Last)
	})
	if !good || a.status < 100 || a.status > 599 {
		return fail(statusReason(p, "HTTP status code error", a.status))
	}
	if a.digest != nil && [md5.Size]byte(a.digest.Sum(nil)) != p.Digest {
		return fail(statusReason(p, "MD5 digest error", a.status))
	}
	if a.search != nil {
		found, err := a.search.end()
		switch {
		case err != nil:
			return fail(statusReason(p, "Regex match failed ("+err.Error()+")", a.status))
		case found == p.NoMatch:
			return fail(statusReason(p, "Regex match failed", a.status))
		}
	}
	return pass(statusReason(p, "HTTP status code success", a.status))
}
