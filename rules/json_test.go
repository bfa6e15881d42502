package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// schemaOf returns one of the forms of the published schema.
func schemaOf(t *testing.T, form string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	name, err := filepath.Abs("jsonform/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(name + "#/$defs/" + form)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, text string) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// told is a kernel with everything to tell.
type told struct{ dump }

func (told) Timeouts() (ipvs.Timeouts, error) {
	return ipvs.Timeouts{TCP: 900 * time.Second, TCPFin: 120 * time.Second, UDP: 300 * time.Second}, nil
}

func (told) Daemons() ([]ipvs.Daemon, error) {
	return []ipvs.Daemon{
		{State: ipvs.Master, Interface: "eth0", SyncID: 7, MaxLen: 1472, Group: netip.MustParseAddr("ff02::81"), Port: 8848, TTL: 1},
		{State: ipvs.Backup, Interface: "eth1"}, // before Linux 4.3
	}, nil
}

const someConnections = procTitle +
	"TCP C0A80102 8C4A C0A80101 0050 C0A80202 1F41 ESTABLISHED     893\n" +
	"TCP 2001:0db8:0001:0000:0000:0000:0000:0002 D431 2001:0db8:0001:0000:0000:0000:0000:0001 0050 2001:0db8:0002:0000:0000:0000:0000:0002 1F41 FIN_WAIT         1\n" +
	"IP  C0A80102 0000 00000007 0000 C0A80202 0000 NONE             12\n" +
	"UDP C0A80102 13C4 C0A80101 13C4 C0A80202 1F75 UDP              60 sip a84b4c76e66710@pc33\"\n"

func TestEveryFormOfJSONFitsItsSchema(t *testing.T) {
	for _, tt := range []struct{ args, form, golden string }{
		{"-L", "table", "json"},
		{"-L --stats", "table", "json-stats"},
		{"-L --rate", "table", "json-stats"},
		{"-L --rate --exact -n", "table", "json-stats"},
		{"-L --thresholds", "table", "json"},
		{"-L --persistent-conn", "table", "json"},
		{"-L --tun-info", "table", "json"},
		{"-L --nosort", "table", "json-nosort"},
		{"-L -t 10.0.0.1:80", "table", "json"}, // told tells the same of one
		{"-L --timeout", "timeouts", "json-timeout"},
		{"-L --daemon", "daemons", "json-daemon"},
		{"-L -c", "connection", "json-connections"},
		{"-L -c --persistent-conn", "connection", "json-connections"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			s, stdout, stderr := newSession(told{dump{table: showcase()}})
			s.env.Connections = func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(someConnections)), nil
			}
			code := Main(s.env, append(strings.Fields("ipvsadm "+tt.args), "--json"))
			if code != exitOK || stderr.Len() > 0 {
				t.Fatalf("exit code %d, stderr %q", code, stderr)
			}
			golden(t, tt.golden, stdout.String())
			schema := schemaOf(t, tt.form)
			if tt.form != "connection" {
				validate(t, schema, stdout.String())
				return
			}
			for line := range strings.Lines(stdout.String()) {
				validate(t, schema, line)
			}
			if n := strings.Count(stdout.String(), "\n"); n != 4 {
				t.Errorf("%d lines of 4 connections", n)
			}
		})
	}
}

// Every object that is printed has its members in the order of one of the
// schema's, and every member in the schema is printed somewhere.
func TestTheSchemaNamesMembersInTheOrderPrinted(t *testing.T) {
	text, err := os.ReadFile("jsonform/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var described [][]string
	objects(t, text, func(name string, keys []string) {
		if name == "properties" {
			described = append(described, keys)
		}
	})
	unprinted := map[string]bool{}
	for _, keys := range described {
		for _, k := range keys {
			unprinted[k] = true
		}
	}
	for _, name := range []string{"json-stats", "json-timeout", "json-daemon", "json-connections"} {
		text, err := os.ReadFile(filepath.Join("../testdata/listing", name))
		if err != nil {
			t.Fatal(err)
		}
		objects(t, text, func(name string, keys []string) {
			if !slices.ContainsFunc(described, func(d []string) bool { return isSubsequence(keys, d) }) {
				t.Errorf("the schema has no object with members in this order: %v", keys)
			}
			for _, k := range keys {
				delete(unprinted, k)
			}
		})
	}
	if len(described) != 9 || len(unprinted) > 0 {
		t.Errorf("%d objects in the schema, of which nothing prints %v", len(described), unprinted)
	}
}

func isSubsequence(short, long []string) bool {
	for _, s := range long {
		if len(short) > 0 && short[0] == s {
			short = short[1:]
		}
	}
	return len(short) == 0
}

// objects calls f with the name of every object in JSON texts, and with the
// names of its members in their order.
func objects(t *testing.T, text []byte, f func(name string, keys []string)) {
	dec := json.NewDecoder(bytes.NewReader(text))
	token := func() json.Token {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	var value func(name string)
	value = func(name string) {
		switch token() {
		case json.Delim('{'):
			var keys []string
			for dec.More() {
				keys = append(keys, token().(string))
				value(keys[len(keys)-1])
			}
			token()
			f(name, keys)
		case json.Delim('['):
			for dec.More() {
				value("")
			}
			token()
		}
	}
	for dec.More() {
		value("")
	}
}

// The README shows what is printed, and what is said of a mistake.
func TestTheExamplesOfTheREADME(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(readme), "$ ipvsadm -L --json\n")
	example, rest, found := strings.Cut(example, "    $ ipvsadm")
	if !found {
		t.Fatal("no example")
	}
	validate(t, schemaOf(t, "table"), example)
	text := strings.ReplaceAll(example, "    {", "{")
	k := ipvstest.New(ipvstest.Options{})
	code, _, stderr := ipvsadm(k, text, "ipvsadm", "-R", "--json")
	_, saved, _ := ipvsadm(k, "", "ipvsadm", "-Sn")
	if code != exitOK || strings.Count(saved, "\n") != 3 {
		t.Errorf("exit code %d, %s%s", code, stderr, saved)
	}
	mistake := strings.Replace(text, `"fwd_method":"masq","weight"`, `"wieght"`, 1)
	_, _, stderr = ipvsadm(k, mistake, "ipvsadm", "-R", "--json")
	if first, _, _ := strings.Cut(stderr, " u_thresh"); !strings.Contains(rest, "\n    "+first) {
		t.Errorf("the README does not show %q", first)
	}
}

func TestTheEmptyTableIsJSON(t *testing.T) {
	_, stdout, _ := ipvsadm(ipvstest.New(ipvstest.Options{}), "", "ipvsadm", "-L", "--json")
	if want := `{"version":"1.2.1","conn_tab_size":4096,"services":[]}` + "\n"; stdout != want {
		t.Errorf("got %s, want %s", stdout, want)
	}
	_, stdout, _ = ipvsadm(ipvstest.New(ipvstest.Options{}), "", "ipvsadm", "-L", "--daemon", "--json")
	if want := `{"daemons":[]}` + "\n"; stdout != want {
		t.Errorf("got %s, want %s", stdout, want)
	}
}

func TestFailedListingsPrintNoJSON(t *testing.T) {
	for _, args := range []string{"-L --timeout", "-L --daemon", "-L", "-L -c"} {
		s, stdout, stderr := newSession(broken{err: syscall.EINVAL})
		s.env.Connections = func() (io.ReadCloser, error) { return nil, syscall.ENOENT }
		code := Main(s.env, append(strings.Fields("ipvsadm "+args), "--json"))
		if code != exitListing || stdout.Len() > 0 || stderr.Len() == 0 {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
	s, _, stderr := newSession(dump{})
	s.env.Connections = func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(procTitle + "TCP nonsense\n")), nil
	}
	if code := Main(s.env, strings.Fields("ipvsadm -L -c --json")); code != exitListing || !strings.Contains(stderr.String(), "unexpected input") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

// -L --json and -R --json are inverse, thresholds included.
func TestJSONIsListedAndRestored(t *testing.T) {
	schema := schemaOf(t, "table")
	rapid.Check(t, func(rt *rapid.T) {
		from := ipvstest.New(ipvstest.Options{})
		if err := errors.Join(from.Do(drawTable(rt)...)...); err != nil {
			rt.Fatal(err)
		}
		form := rapid.SampledFrom([]string{"--nosort", "--stats"}).Draw(rt, "form")
		_, text, _ := ipvsadm(from, "", "ipvsadm", "-L", "--json", form)
		validate(t, schema, text)
		to := ipvstest.New(ipvstest.Options{HashSalt: 77})
		if code, stdout, stderr := ipvsadm(to, text, "ipvsadm", "-R", "--json"); code != exitOK || stdout+stderr != "" {
			rt.Fatalf("exit code %d, %q, %q, restoring\n%s", code, stdout, stderr, text)
		}
		if got, want := allSettings(rt, to), allSettings(rt, from); !maps.EqualFunc(got, want, sameEntry) {
			rt.Fatalf("restored from\n%s\nis\n%v\nwant\n%v", text, to, from)
		}
		var compact bytes.Buffer // its layout means nothing
		if err := json.Compact(&compact, []byte(text)); err != nil {
			rt.Fatal(err)
		}
		third := ipvstest.New(ipvstest.Options{})
		ipvsadm(third, compact.String(), "ipvsadm", "-R", "--json")
		if !maps.EqualFunc(allSettings(rt, third), allSettings(rt, from), sameEntry) {
			rt.Fatalf("restored from\n%s\nis\n%v\nwant\n%v", &compact, third, from)
		}
	})
}

// allSettings returns the table with everything that can be set.
func allSettings(t *rapid.T, k Kernel) map[ipvs.ServiceKey]entry {
	table, err := k.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil {
		t.Fatal(err)
	}
	all := saved(t, k)
	for _, e := range table {
		for _, d := range e.Destinations {
			all[e.ServiceKey].servers[d.Addr] = d.Destination
		}
	}
	return all
}

func TestRestoreOfJSONThatIsWrongChangesNothing(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{})
	code, stdout, stderr := ipvsadm(k, `{"services":[{"fwmark":1},{"fwmark":2,"weight":3},{"fwmark":-1}]}`, "ipvsadm", "-R", "--json")
	table, _ := k.Table(ipvs.Query{})
	if code != exitInvalid || stdout != "" || len(table) > 0 ||
		!strings.HasPrefix(stderr, "line 1, column 39: services[1].weight: unknown") ||
		!strings.Contains(stderr, "\nline 1, column 52: services[2].fwmark: want") {
		t.Errorf("exit code %d, stdout %q, stderr\n%s%v", code, stdout, stderr, k)
	}
}

func TestWhatTheKernelRefusesOfJSONIsNamed(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{})
	const text = `{"services":[{"fwmark":1,"destinations":[{"addr":"10.0.0.1"},{"addr":"224.0.0.1"}]},{"fwmark":2}]}`
	ipvsadm(k, "", "ipvsadm", "-A", "-f", "1")
	code, _, stderr := ipvsadm(k, text, "ipvsadm", "-R", "--json")
	_, saved, _ := ipvsadm(k, "", "ipvsadm", "-Sn")
	const want = "services[0] (-f 1): Service already exists\n" +
		"services[0].destinations[1] (-f 1 -r 224.0.0.1:0): Invalid operation.  Possibly wrong module version, address not unicast, ...\n"
	if code != exitRejected || stderr != want || saved != "-A -f 1 -s wlc\n-a -f 1 -r 10.0.0.1:0 -g -w 1\n-A -f 2 -s wlc\n" {
		t.Errorf("exit code %d, stderr\n%s\nwant\n%s\ntable\n%s", code, stderr, want, saved)
	}
}
