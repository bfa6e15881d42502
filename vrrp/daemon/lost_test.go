package daemon

import (
	"encoding/json"
	"strings"
	"testing"

	"ipvsadm/vrrp"
)

// What could not be told to scripts, FIFOs and mail is in the status, for people
// and for programs.
func TestStatusTellsLostReports(t *testing.T) {
	s := vrrp.Status{Counters: vrrp.ManagerCounters{LostReports: 3}}
	var text strings.Builder
	if err := writeText(&text, s); err != nil || !strings.Contains(text.String(), "lost_reports 3") {
		t.Errorf("%v, as text:\n%s", err, text.String())
	}
	b, err := json.Marshal(report(s))
	if err != nil || !strings.Contains(string(b), `"lost_reports":3`) {
		t.Errorf("%v, as JSON: %s", err, b)
	}
}
