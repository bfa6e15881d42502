package vrrp

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// The lines that users of keepalived grep for and alert on.
func TestTransitionLines(t *testing.T) {
	for _, tc := range []struct {
		from, to State
		want     string
	}{
		{Initialize, Backup, "(VI_1) Entering BACKUP STATE (init)"},
		{Initialize, Fault, "(VI_1) Entering FAULT STATE (init)"},
		{Initialize, Active, "(VI_1) Entering MASTER STATE"},
		{Backup, Active, "(VI_1) Entering MASTER STATE"},
		{Active, Backup, "(VI_1) Entering BACKUP STATE"},
		{Active, Fault, "(VI_1) Entering FAULT STATE"},
		{Backup, Fault, "(VI_1) Entering FAULT STATE"},
		{Fault, Backup, "(VI_1) Entering BACKUP STATE"},
		{Fault, Active, "(VI_1) Entering MASTER STATE"},
		{Active, Initialize, ""},
	} {
		if got := (Transition{From: tc.from, To: tc.to}).Line("VI_1"); got != tc.want {
			t.Errorf("%v to %v: %q, want %q", tc.from, tc.to, got, tc.want)
		}
	}
	if got := (Transition{To: Fault, Trigger: TriggerPending}).Line("VI_1"); got != "" {
		t.Errorf("while a script runs for the first time: %q, keepalived says nothing", got)
	}
}

func TestGroupLines(t *testing.T) {
	for to, want := range map[State]string{
		Active: "VRRP_Group(VG) Syncing instances to MASTER state",
		Backup: "VRRP_Group(VG) Syncing instances to BACKUP state",
		Fault:  "VRRP_Group(VG) Syncing instances to FAULT state",
	} {
		if got := (Transition{From: Fault, To: to}).GroupLine("VG"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, silent := range []Transition{{From: Active, To: Initialize}, {From: Initialize, To: Backup}} {
		if got := silent.GroupLine("VG"); got != "" {
			t.Errorf("%v: %q", silent, got)
		}
	}
}

func TestNoteLines(t *testing.T) {
	src := netip.MustParseAddr("10.77.0.2")
	for _, tc := range []struct {
		log    Log
		detail bool
		want   string
	}{
		{Log{Note: NoteTimeout}, true, "(VI_1) Receive advertisement timeout"},
		{Log{Note: NoteHigherPriority, Source: src, Theirs: 150, Ours: 100}, false, "(VI_1) Master received advert from 10.77.0.2 with higher priority 150, ours 100"},
		{Log{Note: NoteHigherAddress, Source: src, Theirs: 100}, false, "(VI_1) Master received advert from 10.77.0.2 with same priority 100 but higher IP address than ours"},
		{Log{Note: NoteLowerPriority, Source: src, Theirs: 100, Ours: 150}, false, "(VI_1) Received advert from 10.77.0.2 with lower priority 100, ours 150, forcing new election"},
		{Log{Note: NoteDiscarded, Source: src, Theirs: 100}, false, "(VI_1) received lower priority (100) advert from 10.77.0.2 - discarding"},
		{Log{Note: NoteZeroHeardBackup}, true, "(VI_1) Backup received priority 0 advertisement"},
		{Log{Note: NoteZeroHeardActive}, true, "(VI_1) Master received priority 0 message"},
		{Log{Note: NoteZeroSent}, true, "(VI_1) sent 0 priority"},
		{Log{Note: NotePriorityChanged, Old: 150, New: 90}, false, "(VI_1) Changing effective priority from 150 to 90"},
		{Log{Note: NoteMaster, Source: src}, true, "(VI_1) master set to 10.77.0.2"},
		{Log{Note: NoteIntervalLearned, Old: 1000, New: 100}, true, "(VI_1) advertisement interval updated from 1000ms to 100ms by master"},
		{Log{Note: NoteIntervalOwn, Old: 100, New: 1000}, true, "(VI_1) changing advert interval from 100ms to locally configured 1000ms"},
		{Log{Note: NotePreemptDelayStarted, New: 5500}, true, "(VI_1) start preempt delay (5.500000)"},
		{Log{Note: NoteFault, Cause: Cause{CauseScript, "chk"}}, false, "(VI_1): entering FAULT state due to script chk"},
		{Log{Note: NoteFault, Cause: Cause{CauseInterface, "eth0"}}, false, "(VI_1): entering FAULT state (interface eth0 down)"},
		{Log{Note: NoteFault, Cause: Cause{CauseProcess, "p"}}, false, "(VI_1) entering FAULT state (tracked process p down)"},
		{Log{Note: NoteFault, Cause: Cause{CauseNoSource, "IPv4"}}, false, "(VI_1) entering FAULT state (no IPv4 address for interface)"},
	} {
		if got := tc.log.Line("VI_1"); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.log, got, tc.want)
		}
		if got := tc.log.Detail(); got != tc.detail {
			t.Errorf("%v: for detailed logs only: %t", tc.log, got)
		}
	}
	for n := range notes {
		line := Log{Note: n, Source: src}.Line("VI_1")
		if !strings.HasPrefix(line, "(VI_1)") || len(line) < 12 || n.String() == "" {
			t.Errorf("note %d: %q", n, line)
		}
	}
	for k := range causeKinds {
		if line := (Log{Note: NoteFault, Cause: Cause{k, "x"}}).Line("VI_1"); !strings.Contains(line, "entering FAULT state ") {
			t.Errorf("%v: %q", k, line)
		}
	}
}

func TestRefusalLines(t *testing.T) {
	src := netip.MustParseAddr("10.77.0.2")
	for _, tc := range []struct {
		v    Verdict
		want string
	}{
		{Verdict{Reason: ReasonTTL, Got: 64, Want: 255}, "(VI_1) invalid TTL/HL. Received 64 and expect 255"},
		{Verdict{Reason: ReasonTTL, Got: TTLUnknown, Want: 255}, "(VI_1) invalid TTL/HL. Received none and expect 255"},
		{Verdict{Reason: ReasonInterval, Got: 2, Want: 1}, "(VI_1) advertisement interval mismatch mine=1 sec rcv'd=2 sec"},
		{Verdict{Reason: ReasonAuthFailure}, "(VI_1) received an invalid passwd!"},
		{Verdict{Reason: ReasonAuthTypeMismatch, Got: 0, Want: 1}, "(VI_1) received a 0 auth, expecting 1!"},
		{Verdict{Reason: ReasonChecksum}, "(VI_1) Invalid VRRPv3 checksum"},
		{Verdict{Reason: ReasonVersion, Got: 2, Want: 3}, "(VI_1) wrong version. Received 2 and expect 3"},
		{Verdict{Reason: ReasonSource, Source: src}, "(VI_1) unicast source address 10.77.0.2 not a unicast peer"},
	} {
		if got := (Refuse{Verdict: tc.v, Version: V3}).Line("VI_1"); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.v.Reason, got, tc.want)
		}
	}
	seen := map[string]bool{}
	for _, r := range Reasons() {
		line := Refuse{Verdict: Verdict{Reason: r, Source: src, Got: int(r), Want: 1}, Version: V3}.Line("VI_1")
		if seen[line] {
			t.Errorf("%v has the line of another reason: %q", r, line)
		}
		seen[line] = true
	}
	if got := (Refuse{Verdict: Verdict{Reason: ReasonAuthFailure}, Suppressed: 7}).Line("VI_1"); !strings.HasSuffix(got, " (and 7 more of them)") {
		t.Errorf("%q", got)
	}
}

// The words of the FIFO and of notify scripts.
func TestNotifyWords(t *testing.T) {
	for _, tc := range []struct {
		n    Notify
		want string
	}{
		{Notify{NotifyState, Active, 100}, "MASTER"},
		{Notify{NotifyState, Backup, 100}, "BACKUP"},
		{Notify{NotifyState, Fault, 100}, "FAULT"},
		{Notify{NotifyStop, Initialize, 100}, "STOP"},
		{Notify{NotifyPriority, Active, 90}, "MASTER_PRIORITY"},
		{Notify{NotifyPriority, Backup, 90}, "BACKUP_PRIORITY"},
		{Notify{NotifyLowerPriority, Active, 90}, "MASTER_RX_LOWER_PRI"},
	} {
		if got := tc.n.Word(); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.n, got, tc.want)
		}
	}
}

// Everything has a name, and no two of a kind have the same.
func TestNames(t *testing.T) {
	check := func(kind string, names []string) {
		t.Helper()
		slices.Sort(names)
		for i, n := range names {
			if n == "" || n == "unknown" || n == "UNKNOWN" || i > 0 && names[i-1] == n {
				t.Errorf("%s: name %q", kind, n)
			}
		}
	}
	var names []string
	for n := range notes {
		names = append(names, n.String())
	}
	check("notes", names)
	names = nil
	for tr := range triggers {
		names = append(names, tr.String())
	}
	check("triggers", names)
	names = nil
	for k := range causeKinds {
		names = append(names, k.String())
	}
	check("causes", names)
	check("states", []string{Initialize.String(), Backup.String(), Active.String(), Fault.String()})
	for _, s := range []string{notes.String(), triggers.String(), causeKinds.String(), State(9).String()} {
		if !strings.EqualFold(s, "unknown") {
			t.Errorf("what does not exist is named %q", s)
		}
	}
	for _, e := range []Event{Startup{}, Startup{Delay: time.Second}, Shutdown{}, Tick{}, Packet{}, Failed{}, Healed{}, Weighed{}, SourceChanged{}, AddressesLost{}, Reload{}} {
		if e.String() == "" {
			t.Errorf("%T has no string", e)
		}
	}
	if got := V3.String() + AuthNone.String() + AuthPass.String() + AuthAH.String() + AuthType(9).String(); got != "VRRPv3nonePASSAHAuthType(9)" {
		t.Error(got)
	}
	if WithPseudoHeader.String() != "pseudo-header" || MessageOnly.String() != "message-only" || OldUnicast.String() != "old unicast" {
		t.Error("checksum forms")
	}
}

// RFC 6527's reasons to become Active.
func TestNewMasterReasons(t *testing.T) {
	for tr, want := range map[Trigger]string{
		TriggerPriority: "priority", TriggerPreempt: "preempted", TriggerOwner: "preempted",
		TriggerNoResponse: "masterNoResponse", TriggerGroup: "masterNoResponse", TriggerFault: "notMaster",
	} {
		if got := tr.NewMasterReason(); got != want {
			t.Errorf("%v: %q, want %q", tr, got, want)
		}
	}
}
