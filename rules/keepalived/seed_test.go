package keepalived

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The two files of the posts this project began with, just as they were printed:
// comments glued to values, TCP_CHECK{, words of keepalived 1.2, and a
// real_server that is never closed. keepalived 2.2.7 says "There are 2 missing
// '}'s or extra '{'s" and runs without half of the second one.
func TestSeedFilesAreExplained(t *testing.T) {
	for file, want := range map[string][]string{
		"keepalived-master.conf": {
			"29: nat_mask is no longer a word of keepalived: it never had an effect on how servers were balanced; leave it out",
			"36: nb_get_retry is the old word for retry; write retry",
			"32: real_server 192.168.41.31 80, opened on line 32, is never closed: real_server 192.168.41.33 80 begins on line 40; write } before line 40",
			"44: nb_get_retry is the old word for retry; write retry",
			"25: virtual_server 192.168.41.249 80, opened on line 25, is never closed: the file ends on line 48; write } where it ends",
		},
		"keepalived-backup.conf": {
			"29: nat_mask is no longer a word of keepalived: it never had an effect on how servers were balanced; leave it out",
			"36: nb_get_retry is the old word for retry; write retry",
			"32: real_server 192.168.41.31 80, opened on line 32, is never closed: real_server 192.168.41.33 80 begins on line 40; write } before line 40",
			"44: nb_get_retry is the old word for retry; write retry",
			"40: real_server 192.168.41.33 80, opened on line 40, is never closed: the file ends on line 48; write } where it ends",
			"25: virtual_server 192.168.41.249 80, opened on line 25, is never closed: the file ends on line 48; write } where it ends",
		},
	} {
		path := filepath.Join("testdata/seed", file)
		c, ds := Load(context.Background(), path, Options{})
		if c != nil {
			t.Errorf("%s: half a configuration was returned", file)
		}
		var got []string
		for _, d := range ds {
			if d.Severity == Note { // of the file's mode here
				continue
			}
			got = append(got, strings.TrimPrefix(d.String(), path+":"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", file, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// With the braces that were forgotten both files run, with warnings only.
func TestSeedFilesRunWhenTheirBlocksAreClosed(t *testing.T) {
	for _, file := range []string{"keepalived-master.conf", "keepalived-backup.conf"} {
		raw, err := os.ReadFile(filepath.Join("testdata/seed", file))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(raw), " real_server 192.168.41.33", " }\n real_server 192.168.41.33", 1)
		missing := strings.Count(text, "{") - strings.Count(text, "}")
		text += strings.Repeat("}\n", missing)
		c, ds := Load(context.Background(), "f.conf", Options{FS: mapFS(map[string]string{"f.conf": text})})
		if c == nil {
			t.Fatalf("%s: %v", file, ds)
		}
		for _, d := range ds {
			if d.Kind != KindDeprecated && d.Severity != Note {
				t.Errorf("%s: unexpected %v", file, d)
			}
		}
		if len(c.VRRP.Instances) != 1 || len(c.Check.Servers) != 1 || len(c.Check.Servers[0].Reals) != 2 {
			t.Errorf("%s: %d instances, %d servers", file, len(c.VRRP.Instances), len(c.Check.Servers))
		}
		if got := c.Check.Servers[0].Reals[1].Checkers[0].Retries; got != 3 {
			t.Errorf("%s: nb_get_retry 3 sets %d retries", file, got)
		}
	}
}

// Every example in keepalived's Debian package that keepalived takes, we take.
// They are GPL, so they are read where the package puts them.
func TestSamplesOfKeepalivedAreAccepted(t *testing.T) {
	samples, _ := filepath.Glob("/usr/share/doc/keepalived/samples/keepalived.conf.*")
	if len(samples) == 0 {
		t.Skip("Debian's package keepalived, with its examples, is not installed")
	}
	if len(samples) < 20 {
		t.Errorf("%d samples, want at least 20", len(samples))
	}
	for _, file := range samples {
		for _, id := range []string{"", "high", "low"} {
			c, ds := Load(context.Background(), file, Options{ConfigID: id})
			if c == nil {
				t.Errorf("%s: %v", file, ds)
				continue
			}
			checkFixpoint(t, file, c)
		}
	}
}
