package ipvs_test

import (
	"testing"

	"pgregory.net/rapid"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
	"ipvsadm/testdata/lab/uml"
)

// TestPlanOnAKernel replaces tables of a real kernel one by the other: it takes
// every change, becomes what is wanted, and then nothing is left to do.
func TestPlanOnAKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c, err := ipvs.Open(ipvs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		read := func(t *rapid.T) []ipvs.Entry {
			table, err := c.Table(ipvs.Query{Detail: ipvs.Full})
			if err != nil {
				t.Fatalf("read the table: %v", err)
			}
			return table
		}
		rapid.Check(t, func(t *rapid.T) {
			want := genTable().Draw(t, "table") // the one before is from the round before
			goal := ipvstest.New(ipvstest.Options{})
			load(t, goal, want)
			for i, err := range c.Do(ipvs.Ops(ipvs.Plan(read(t), want, ipvs.OwnsAll))...) {
				if err != nil {
					t.Fatalf("change %d: %v", i, err)
				}
			}
			if again := ipvs.Plan(read(t), want, ipvs.OwnsAll); len(again) > 0 {
				t.Fatalf("planned %q although all was done", line(again[0]))
			}
			if !equalSettings(settings(read(t)), settings(dump(t, goal))) {
				t.Fatalf("the table became %+v\nwant\n%s", read(t), goal)
			}
		})
	})
}
