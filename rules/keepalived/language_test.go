package keepalived

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

// tables returns the language of a fresh loader.
func tables() []vocabulary { return newLoader(context.Background(), Options{}).words.all() }

func TestArity(t *testing.T) {
	for args, want := range map[string][2]int{
		"": {0, 0}, "N": {1, 1}, "[BOOL]": {0, 1}, "IF [weight N [reverse]]": {1, 4}, "CMD [USER [GROUP]]": {1, 3},
		"ADDR…": {1, -1}, "[NAME…]": {0, -1}, "[all] SECONDS": {1, 2}, "[tcp S] [udp S]": {0, 4}, "A|B [C]": {1, 2},
	} {
		if least, most := arity(args); least != want[0] || most != want[1] {
			t.Errorf("%q: %d to %d, want %d to %d", args, least, most, want[0], want[1])
		}
	}
}

func TestEveryWordIsDocumentedOnce(t *testing.T) {
	total := 0
	for _, table := range tables() {
		seen := make(map[string]bool)
		for _, w := range table.infos() {
			total++
			where := table.blockName() + " " + w.name
			if !strings.HasSuffix(w.doc, ".") {
				t.Errorf("%s: %q is no sentence", where, w.doc)
			}
			for _, spelling := range append([]string{w.name}, strings.Fields(w.also+" "+w.old)...) {
				if seen[spelling] {
					t.Errorf("%s: %s is there twice", where, spelling)
				}
				seen[spelling] = true
				if info, _ := table.find(spelling); info != w {
					t.Errorf("%s: %s is not found", where, spelling)
				}
			}
		}
		if table.about() == "" && table.blockName() != "the top of the file" {
			t.Errorf("%s has no description", table.blockName())
		}
	}
	if total < 300 {
		t.Errorf("%d words, want at least 300", total)
	}
}

// testdata/words.txt has the words of keepalived 2.4.3, but for those within
// auth_hmac, which is refused as a whole. Each must be known somewhere.
func TestEveryWordOfKeepalivedIsKnown(t *testing.T) {
	for _, word := range strings.Fields(read1(t, "testdata/words.txt")) {
		known := slices.ContainsFunc(tables(), func(v vocabulary) bool {
			info, _ := v.find(word)
			return info != nil
		})
		if !known {
			t.Errorf("%s is not known", word)
		}
	}
}

// within writes a statement in the block of a table, with as little around it as
// can be.
func within(block, statement string) string {
	c := acceptCase{block: block, text: statement}
	switch block {
	case "the top of the file":
		return statement + "\n"
	case "authentication":
		return acceptCase{block: "vrrp_instance", text: "authentication {\n" + statement + "\n}"}.file()
	case "garp_group", "track_group", "bfd_instance", "SSL":
		name := map[string]string{"track_group": "T ", "bfd_instance": "B "}[block]
		return acceptCase{block: "top", text: block + " " + name + "{\n" + statement + "\n}"}.file()
	case "host":
		return acceptCase{block: "SMTP_CHECK", text: "host {\n" + statement + "\n}"}.file()
	case "SSL_GET":
		return strings.Replace(acceptCase{block: "HTTP_GET", text: statement}.file(), "HTTP_GET", "SSL_GET", 1)
	}
	return c.file()
}

func loadText(text string) (*Config, Diagnostics) {
	return Load(context.Background(), "/f.conf", Options{FS: mapFS(map[string]string{"f.conf": text})})
}

// Every word that wants an argument says so when there is none, and shows how it
// is written.
func TestEveryMissingArgumentIsAnError(t *testing.T) {
	n := 0
	for _, table := range tables() {
		for _, w := range table.infos() {
			if w.min == 0 || w.refused != "" {
				continue
			}
			n++
			statement := w.name
			if w.block {
				statement += " {\n}"
			}
			c, ds := loadText(within(table.blockName(), statement))
			if c != nil || !slices.ContainsFunc(ds, func(d Diagnostic) bool {
				return d.Severity == Error && d.Kind == KindMissing && strings.HasPrefix(d.Fix, "write "+w.name+" ")
			}) {
				t.Errorf("%s in %s without an argument: %v", w.name, table.blockName(), ds)
			}
		}
	}
	if n < 150 {
		t.Errorf("%d words were tried, want at least 150", n)
	}
}

// TestEmptyArguments gives every word empty strings. keepalived had an overflow
// there (CVE-2024-41184). Nothing breaks, and what is accepted reads back.
func TestEmptyArguments(t *testing.T) {
	for _, table := range tables() {
		for _, w := range table.infos() {
			most := w.max
			if most < 0 {
				most = w.min + 2
			}
			for n := max(1, w.min); n <= most; n++ {
				statement := w.name + strings.Repeat(` ""`, n)
				if w.block {
					statement += " {\n\"\"\n}"
				}
				if c, _ := loadText(within(table.blockName(), statement)); c != nil {
					checkFixpoint(t, table.blockName()+" { "+statement+" }", c)
				}
			}
		}
	}
}

// Words too many are passed over with a note, as keepalived does in silence.
func TestWordsTooManyAreNoted(t *testing.T) {
	_, ds := loadText(within("vrrp_instance", "priority 50 60"))
	if !ds.Has(Note, KindExtra) || ds.Worst() != Note {
		t.Errorf("got %v", ds)
	}
}

// A word that has nothing to do here is reported once, however often it is there.
func TestUnusedWordsAreReportedOnce(t *testing.T) {
	text := acceptCase{block: "virtual_server", text: `snmp_name a\nreal_server 10.0.0.8 80 {\nsnmp_name b\n}`}.file()
	_, ds := loadText(text)
	n := 0
	for _, d := range ds {
		if d.Kind == KindUnused {
			n++
		}
	}
	if n != 1 || ds.Worst() != Note {
		t.Errorf("%d notes in %v, want one", n, ds)
	}
}

func TestUnknownWordsAreExplained(t *testing.T) {
	for _, c := range []struct{ block, statement, want string }{
		{"vrrp_instance", "prioriti 5", "prioriti is not a word of vrrp_instance; did you mean priority?"},
		{"vrrp_instance", "Priority 5", "Priority is not a word of vrrp_instance; did you mean priority?"},
		{"vrrp_instance", "virtual_ipadress {\n10.0.0.1\n}", "virtual_ipadress is not a word of vrrp_instance and its block is passed over; did you mean virtual_ipaddress?"},
		{"vrrp_instance", "lb_algo rr", "lb_algo is not a word of vrrp_instance; it belongs into virtual_server"},
		{"vrrp_script", "weight=5", "weight=5 is not a word of vrrp_script; did you mean weight?"},
		{"real_server", "TCP_CHEK {\n}", "TCP_CHEK is not a word of real_server and its block is passed over; did you mean TCP_CHECK?"},
		{"TCP_CHECK", "weight 5", "weight is not a word of TCP_CHECK; it belongs into real_server"},
		{"vrrp_instance", "qqqqqqqqqqqqqqq 5", "qqqqqqqqqqqqqqq is not a word of vrrp_instance"},
	} {
		_, ds := loadText(within(c.block, c.statement))
		if !slices.ContainsFunc(ds, func(d Diagnostic) bool {
			return d.Kind == KindUnknown && d.Severity == Warning && strings.HasSuffix(d.String(), ": "+c.want)
		}) {
			t.Errorf("%s { %s }: %v, want %q", c.block, c.statement, ds, c.want)
		}
	}
}

// Every word with a note, a refusal or an old spelling says why.
func TestEveryPeculiarityIsExplained(t *testing.T) {
	for _, table := range tables() {
		for _, w := range table.infos() {
			if w.refused == "" && w.gone == "" && w.old == "" {
				continue
			}
			spelling := w.name
			if w.old != "" {
				spelling = strings.Fields(w.old)[0]
			}
			statement := spelling + strings.Repeat(" 1", w.min)
			if w.block {
				statement += " {\n}"
			}
			_, ds := loadText(within(table.blockName(), statement))
			kind, severity := KindDeprecated, Warning
			if w.refused != "" {
				kind, severity = KindUnsupported, Error
			}
			if !slices.ContainsFunc(ds, func(d Diagnostic) bool {
				return d.Kind == kind && d.Severity == severity && strings.HasPrefix(d.What, spelling+" ") && d.Fix != ""
			}) {
				t.Errorf("%s { %s }: %v", table.blockName(), statement, ds)
			}
		}
	}
}

// WORDS.md is made of the tables, so that it cannot be wrong: go test -run Words
// -update writes it.
func TestWordsFileIsTrue(t *testing.T) {
	var b strings.Builder
	b.WriteString("# The words of keepalived.conf\n\nWritten by `go test ./rules/keepalived -run Words -update` from the tables that read the file.\n" +
		"What stands in brackets may be left out, … may be repeated. SECONDS can have a fraction, BOOL is on, off, true, false, yes or no.\n")
	for _, table := range tables() {
		b.WriteString("\n## " + table.blockName() + "\n\n")
		if table.about() != "" {
			b.WriteString(table.about() + "\n\n")
		}
		b.WriteString("| word | meaning |\n|---|---|\n")
		for _, w := range table.infos() {
			name := strings.TrimSpace(w.name + " " + w.args)
			if w.block {
				name += " { … }"
			}
			doc := w.doc
			for _, more := range []struct{ what, why string }{{"Also", w.also}, {"Old", w.old}, {"No longer used", w.gone}, {"Refused", w.refused}} {
				if more.why != "" {
					doc += " " + more.what + ": " + more.why + "."
				}
			}
			b.WriteString("| `" + strings.ReplaceAll(name, "|", "\\|") + "` | " + strings.ReplaceAll(doc, "|", "\\|") + " |\n")
		}
	}
	if *update {
		if err := os.WriteFile("WORDS.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read1(t, "WORDS.md") != b.String() {
		t.Error("WORDS.md is not what the tables say: run with -update")
	}
}
