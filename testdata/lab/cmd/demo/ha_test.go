package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// The configurations are the posts' but for the lines that say that they are not.
func TestHARunsThePostsFiles(t *testing.T) {
	for name, conf := range map[string]string{"keepalived-master.conf": masterConf, "keepalived-backup.conf": backupConf} {
		seed, err := os.ReadFile(filepath.Join(root, "rules/keepalived/testdata/seed", name))
		if err != nil {
			t.Fatal(err)
		}
		var posts strings.Builder
		for line := range strings.Lines(conf) {
			if line != " } #not in the post\n" {
				posts.WriteString(line)
			}
		}
		if got := posts.String(); strings.TrimRight(got, " \n") != strings.TrimRight(string(seed), " \n") {
			t.Errorf("%s is not the post's", name)
		}
	}
}

func TestHALimits(t *testing.T) {
	dir := t.TempDir()
	if err := writeConfigs(dir); err != nil {
		t.Fatal(err)
	}
	got, err := readLimits(dir)
	want := limits{delayLoop: 6 * time.Second, serverOut: 15 * time.Second, masterDown: 3804687500 * time.Nanosecond}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestHALoss(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	r := &requests{all: []haRequest{
		{sent: at(0), who: "rs1"},
		{sent: at(1), who: ""}, // over before the step
		{sent: at(1.5), took: time.Second, who: ""},
		{sent: at(2.5), who: "rs2"},
		{sent: at(4), who: ""},
		{sent: at(4.2), who: "rs1"},
	}, held: []holding{{at(0.5), "director1"}, {at(4.1), "director2"}}}
	var s uml.Stalls
	s.Add(at(4.5), at(6))
	r.all = append(r.all, haRequest{sent: at(4.4), took: 2 * time.Second})
	if got, want := r.lossSince(at(2), &s), (loss{sent: 5, lost: 2, unclear: 1, length: 2500 * time.Millisecond}); got != want {
		t.Errorf("lost %+v, want %+v", got, want)
	}
	want := []second{{"director1", 1, 0, 0}, {"", 0, 0, 2}, {"", 0, 1, 0}, {}, {"director2", 1, 0, 2}}
	got := r.seconds(start)
	for i := range want {
		if len(got) != len(want) || got[i] != want[i] {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
}
