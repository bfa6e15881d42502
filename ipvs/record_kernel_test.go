package ipvs

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

const answersFile = "testdata/answers.txt"

// TestRecordAnswers builds a table with one of everything, lets traffic run
// through it and, with -update, records what the kernel answers. The decoder's
// tests and fuzzing start from the recording.
func TestRecordAnswers(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		var trace bytes.Buffer
		c := open(t, Options{Trace: &trace})
		for i, err := range c.Do(everything(t)...) {
			if err != nil {
				t.Errorf("%#v: %v", everything(t)[i], err)
			}
		}
		loopbackTraffic(t)
		// The kernel sums its counters up every two seconds.
		var counted uint64
		for end := time.Now().Add(10 * time.Second); counted != 5 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			entries, err := c.Table(Query{Service: tcp("127.0.0.1:8080")})
			if err != nil {
				t.Fatal(err)
			}
			counted = entries[0].Stats.Conns
		}
		if counted != 5 {
			t.Errorf("%d connections counted, want 5", counted)
		}
		trace.Reset()

		if _, err := c.Info(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Timeouts(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Table(Query{Detail: Full}); err != nil {
			t.Fatal(err)
		}
		if errs := c.Do(Flush{}, // a server of another family bars daemons
			StartDaemon{Daemon{State: Master, Interface: "lo", SyncID: 5, MaxLen: 1000, Port: 9999, TTL: 4}},
			StartDaemon{Daemon{State: Backup, Interface: "lo", SyncID: 7, Group: netip.MustParseAddr("ff02::5")}}); errs != nil {
			t.Fatal(errs)
		}
		if _, err := c.Daemons(); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(answersFile, answers(trace.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// everything is a table in which every attribute of services and servers has a
// value of its own. It needs the address 10.0.0.200/24.
func everything(t testing.TB) []Op {
	if out, err := exec.Command("ip", "addr", "add", "10.0.0.200/24", "dev", "lo").CombinedOutput(); err != nil && !bytes.Contains(out, []byte("exists")) {
		t.Fatalf("%s", out)
	}
	var ops []Op
	known := sameAsIpvsadm()
	for _, r := range recordedRequests(t) {
		switch op := known[r.line].(type) {
		case AddService, AddDestination:
			ops = append(ops, op)
		}
	}
	local := tcp("127.0.0.1:8080")
	return append(ops, AddService{service(local, "wrr")}, AddDestination{local, dest("127.0.0.1:8081", Masq, 3)})
}

// loopbackTraffic makes five connections through 127.0.0.1:8080 to 8081.
func loopbackTraffic(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:8081")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.Copy(conn, conn)
			conn.Close()
		}
	}()
	for range 5 {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:8080", 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(conn, "hello")
		conn.(*net.TCPConn).CloseWrite()
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
}

// answers turns a trace into lines "NAME HEX".
func answers(trace string) []byte {
	names := map[string]string{
		"add service": "service", "add destination": "destination", "start daemon": "daemon",
		"set timeouts": "timeouts", "set info": "info",
	}
	var out strings.Builder
	out.WriteString("# What Linux 6.1 answers, from the attributes on. go test -run TestRecordAnswers -update\n")
	for line := range strings.Lines(trace) {
		w := strings.Fields(line)
		if len(w) < 6 || w[1] != "recv" {
			continue
		}
		if name := names[strings.Join(w[3:len(w)-1], " ")]; name != "" {
			fmt.Fprintln(&out, name, w[len(w)-1])
		}
	}
	return []byte(out.String())
}

// open connects to the kernel of the test.
func open(t testing.TB, o Options) *Client {
	t.Helper()
	c, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
