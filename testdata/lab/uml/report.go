package uml

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"
)

// report takes in what a second run of the test binary writes under
// -test.v=test2json, and reports it in tests of the first: output where it
// came from, subtests as subtests.
type report struct {
	mu      sync.Mutex
	partial []byte           // an unfinished line
	tests   map[string]*node // by full name
	top     *node
	current *node        // whose output is being written
	outside bytes.Buffer // what was written before and after the test
}

// node is one test of the second run.
type node struct {
	name   string // below its parent
	report *report
	items  []item // not yet replayed
	more   *sync.Cond
	done   bool // nothing will follow
}

// item is one thing that happened in a test: output, a subtest, or an attribute.
type item struct {
	output     []byte
	sub        *node
	key, value string
	verdict    string // PASS, FAIL or SKIP: the last item
}

// newReport returns the report of the test with this name.
func newReport(name string) *report {
	r := &report{tests: map[string]*node{}}
	r.top = r.node(name)
	r.tests[name] = r.top
	r.current = r.top
	return r
}

func (r *report) node(name string) *node {
	return &node{name: name, report: r, more: sync.NewCond(&r.mu)}
}

// Write takes in what the second run wrote.
func (r *report) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.partial = append(r.partial, p...)
	for {
		end := bytes.IndexByte(r.partial, '\n')
		if end < 0 {
			return len(p), nil
		}
		r.line(r.partial[:end+1])
		r.partial = r.partial[end+1:]
	}
}

// close says that nothing will follow.
func (r *report) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.partial) > 0 {
		r.line(append(r.partial, '\n'))
	}
	for _, n := range r.tests {
		n.done = true
		n.more.Broadcast()
	}
}

// rest returns what was written outside the test.
func (r *report) rest() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outside.String()
}

// line takes in one line. Package testing marks its own lines with a ^V, which
// comes in mid-line if the test's output did not end with a newline.
func (r *report) line(line []byte) {
	at := bytes.IndexByte(line, marker)
	if at < 0 || !bytes.HasPrefix(line[at+1:], []byte("=== ")) && !bytes.HasPrefix(line[at+1:], []byte("--- ")) {
		r.output(line)
		return
	}
	if at > 0 {
		r.output(append(line[:at:at], '\n'))
	}
	r.event(strings.Fields(string(line[at+1:])))
}

const marker = 0x16

// output adds a line to what the current test wrote.
func (r *report) output(line []byte) {
	if r.current == nil {
		r.outside.Write(line)
		return
	}
	// The first run indents once more.
	r.add(r.current, item{output: bytes.Clone(bytes.TrimPrefix(line, []byte("    ")))})
}

// event takes in a line of package testing, split at blanks.
func (r *report) event(f []string) {
	var n *node // stays nil if the line names no test, or one above ours
	if len(f) > 2 {
		n = r.tests[f[2]]
	}
	switch {
	case len(f) < 2 || f[1] == "PAUSE":
	case f[1] == "RUN":
		if n == nil && len(f) > 2 {
			n = r.run(f[2])
		}
		r.current = n
	case f[1] == "NAME" || f[1] == "CONT":
		r.current = n
	case f[1] == "ATTR":
		if n != nil && len(f) == 5 {
			r.add(n, item{key: f[3], value: f[4]})
		}
	case f[0] == "---":
		r.current = nil
		if n != nil {
			r.add(n, item{verdict: strings.TrimSuffix(f[1], ":")})
			n.done = true
			delete(r.tests, f[2])
		}
	}
}

// run adds the subtest of this full name to the test it belongs to.
func (r *report) run(name string) *node {
	for parent := name; ; {
		at := strings.LastIndexByte(parent, '/')
		if at < 0 {
			return nil
		}
		parent = parent[:at]
		if p := r.tests[parent]; p != nil {
			n := r.node(name[at+1:])
			r.tests[name] = n
			r.add(p, item{sub: n})
			return n
		}
	}
}

func (r *report) add(n *node, it item) {
	n.items = append(n.items, it)
	n.more.Broadcast()
}

// next waits for the node's next item, and returns false if there is none.
func (n *node) next() (item, bool) {
	n.report.mu.Lock()
	defer n.report.mu.Unlock()
	for len(n.items) == 0 && !n.done {
		n.more.Wait()
	}
	if len(n.items) == 0 {
		return item{}, false
	}
	it := n.items[0]
	n.items = n.items[1:]
	return it, true
}

// replay reports in t what happens in the second run's test, while it happens,
// and returns how that ended.
func (n *node) replay(t *testing.T) (verdict string) {
	t.Helper()
	for {
		it, ok := n.next()
		switch {
		case !ok:
			t.Error("the test did not end in the guest")
			return "FAIL"
		case it.output != nil:
			t.Output().Write(it.output)
		case it.sub != nil:
			t.Run(it.sub.name, func(t *testing.T) { conclude(t, it.sub.replay(t)) })
		case it.key != "":
			t.Attr(it.key, it.value)
		default:
			return it.verdict
		}
	}
}

// conclude makes t end as a test of the second run did.
func conclude(t *testing.T, verdict string) {
	t.Helper()
	switch {
	case verdict == "FAIL":
		t.FailNow()
	case verdict == "SKIP" && os.Getenv(requiredVar) == "1":
		t.Fatalf("a kernel test must not skip when %s=1", requiredVar)
	case verdict == "SKIP":
		t.SkipNow()
	}
}
