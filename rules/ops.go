package rules

import (
	"errors"
	"fmt"
	"io"

	"ipvsadm/ipvs"
)

// ParseOp returns the change that a command line stands for, the words after the
// program's name. A command line that changes nothing, and one that is wrong, is
// an error in ipvsadm's words.
func ParseOp(words []string, names Names) (ipvs.Op, error) {
	return parseOp(newParser("ipvsadm", names, noEnvironment), words)
}

// ReadOps reads a saved table, as -S writes it and -R takes it, and returns the
// changes that it stands for. It carries out nothing. The first line that is no
// change is an error that names it.
func ReadOps(in io.Reader, names Names) ([]ipvs.Op, error) {
	p := newParser("ipvsadm", names, noEnvironment)
	p.stream = true
	broken := &failure{in: in}
	lines := newLineReader(broken, func() {})
	var ops []ipvs.Op
	for n := 1; ; n++ {
		line, ok := lines.nextLine()
		if !ok {
			return ops, broken.err
		}
		if lines.split(line); len(lines.words) == 0 || lines.words[0][0] == '#' {
			continue
		}
		op, err := parseOp(p, lines.words)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s", n, mistake(err, lines.words))
		}
		ops = append(ops, op)
	}
}

// ServiceText names a service as the command line does: -t 10.0.0.1:80.
func ServiceText(k ipvs.ServiceKey) string {
	return string(addressText{}.appendServiceOption(nil, &k))
}

func parseOp(p *parser, words []string) (ipvs.Op, error) {
	cmd, err := p.parse(words)
	if err != nil {
		return nil, err
	}
	change, ok := cmd.(Change)
	if !ok {
		return nil, errors.New(words[0] + " changes nothing")
	}
	return change.Op, nil
}

func noEnvironment(string) (string, bool) { return "", false }

// failure keeps the error of a reader, which a lineReader takes for the end.
type failure struct {
	in  io.Reader
	err error
}

func (f *failure) Read(b []byte) (int, error) {
	n, err := f.in.Read(b)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}
