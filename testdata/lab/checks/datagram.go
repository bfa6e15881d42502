package checks

import (
	"encoding/binary"

	"golang.org/x/net/dns/dnsmessage"
)

// Datagram is what a server answers to a datagram, nil for nothing.
type Datagram func(query []byte) []byte

// silent answers nothing.
func silent([]byte) []byte { return nil }

// answers answers always the same.
func answers(text string) Datagram { return func([]byte) []byte { return []byte(text) } }

// echo answers with what it was sent.
func echo(query []byte) []byte { return query }

// named is a name server's answer with a response code, after change has had its
// way with it.
func named(code dnsmessage.RCode, change func([]byte) []byte) Datagram {
	return func(query []byte) []byte {
		var q dnsmessage.Message
		if q.Unpack(query) != nil {
			return nil
		}
		a := dnsmessage.Message{Questions: q.Questions}
		a.ID, a.Response, a.RecursionDesired, a.RecursionAvailable, a.RCode = q.ID, true, q.RecursionDesired, true, code
		if code == dnsmessage.RCodeSuccess {
			for _, question := range q.Questions {
				a.Answers = append(a.Answers, dnsmessage.Resource{
					Header: dnsmessage.ResourceHeader{Name: question.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: 1},
					Body:   &dnsmessage.AResource{A: [4]byte{10, 0, 0, 1}},
				})
			}
		}
		packed, err := a.Pack()
		if err != nil {
			return nil
		}
		if change != nil {
			packed = change(packed)
		}
		return packed
	}
}

// Changes of a DNS answer.

func otherID(m []byte) []byte {
	binary.BigEndian.PutUint16(m, binary.BigEndian.Uint16(m)+1)
	return m
}

// truncatedBit cuts the answers off, and says so. The question of all cases is
// for the root: 5 bytes.
func truncatedBit(m []byte) []byte { m[2] |= 0x02; return noAnswers(m)[:12+5] }

func notAnAnswer(m []byte) []byte { m[2] &^= 0x80; return m }
func headerOnly(m []byte) []byte  { return m[:12] }
func cutInHeader(m []byte) []byte { return m[:7] }
func noAnswers(m []byte) []byte {
	binary.BigEndian.PutUint16(m[6:], 0)
	return m
}
func otherQuestion(m []byte) []byte { m[13] ^= 1; return m }

// wanted answers only to a question for a name and type.
func wanted(name string, typ dnsmessage.Type) Datagram {
	return func(query []byte) []byte {
		var q dnsmessage.Message
		code := dnsmessage.RCodeNameError
		if q.Unpack(query) == nil && len(q.Questions) == 1 &&
			q.Questions[0].Name.String() == name && q.Questions[0].Type == typ {
			code = dnsmessage.RCodeSuccess
		}
		return named(code, nil)(query)
	}
}
