package rules

import (
	"slices"
	"strconv"
	"strings"

	"ipvsadm/ipvs"
)

// stepKind is what a step of a plan does to the table.
type stepKind int

const (
	stepAdd stepKind = iota
	stepChange
	stepDelete
)

func (k stepKind) String() string { return [...]string{"add", "change", "delete"}[k] }

// color returns the escape sequence that a terminal shows a kind in: green,
// yellow, red.
func (k stepKind) color() string { return [...]string{"\x1b[32m", "\x1b[33m", "\x1b[31m"}[k] }

// stepColumn is where the notes begin at the latest, but behind a longer line.
const stepColumn = 56

// showSteps prints a plan: a line of ipvsadm for each step, and behind it, as a
// comment, what it does. The lines are a stream for -R.
func (s *session) showSteps(steps []step) {
	colored, column := s.colored(), 0
	for i := range steps {
		line, _, _ := steps[i].text()
		column = min(max(column, len(line)), stepColumn)
	}
	var b []byte
	for i := range steps {
		line, kind, note := steps[i].text()
		b = b[:0]
		if colored {
			b = append(b, kind.color()...)
		}
		b = append(pad(append(b, line...), len(b), column), "  # "...)
		b = append(b, kind.String()...)
		if note != "" {
			b = append(append(b, ": "...), note...)
		}
		if colored {
			b = append(b, "\x1b[0m"...)
		}
		s.out.Write(append(b, '\n'))
	}
}

// colored tells whether standard output may be coloured: it is a terminal, and
// neither its kind nor NO_COLOR (no-color.org) speaks against it.
func (s *session) colored() bool {
	no, _ := s.env.LookupEnv("NO_COLOR")
	term, _ := s.env.LookupEnv("TERM")
	return s.env.Interactive && no == "" && term != "dumb"
}

// text returns the line of a step, without its end, and what it does: what was
// there before is in the note, what there will be in the line.
func (s *step) text() (line string, kind stepKind, note string) {
	switch op := s.Op.(type) {
	case ipvs.AddService:
		return "-A " + serviceName(&op.Service.ServiceKey) + serviceSettingsText(&op.Service), stepAdd, ""
	case ipvs.EditService:
		old, set := s.Old.(ipvs.AddService), serviceSettingsText(&op.Service)
		return "-E " + serviceName(&op.Service.ServiceKey) + set, stepChange, settingsChange(serviceSettingsText(&old.Service), set)
	case ipvs.DeleteService:
		old := s.Old.(ipvs.AddService)
		return "-D " + serviceName(&op.Service), stepDelete,
			"was" + serviceSettingsText(&old.Service) + ", with " + counted(s.servers, "server")
	case ipvs.AddDestination:
		return "-a " + serverName(&op.Service, &op.Destination) + serverSettingsText(&op.Destination), stepAdd, ""
	case ipvs.EditDestination:
		old, set := s.Old.(ipvs.AddDestination), serverSettingsText(&op.Destination)
		return "-e " + serverName(&op.Service, &op.Destination) + set, stepChange, settingsChange(serverSettingsText(&old.Destination), set)
	case ipvs.DeleteDestination:
		old := s.Old.(ipvs.AddDestination)
		return "-d " + serverName(&op.Service, &old.Destination), stepDelete, "was" + serverSettingsText(&old.Destination)
	case ipvs.Flush:
		return "-C", stepDelete, counted(s.services, "service") + ", " + counted(s.servers, "server")
	case ipvs.Zero:
		if op.Service == (ipvs.ServiceKey{}) {
			return "-Z", stepChange, "all counters to 0"
		}
		return "-Z " + serviceName(&op.Service), stepChange, "its counters to 0"
	case ipvs.SetTimeouts:
		return "--set" + timeoutsText(op.Timeouts), stepChange, "was" + timeoutsText(s.oldTimeouts)
	case ipvs.StartDaemon:
		return "--start-daemon " + daemonText(&op.Daemon), stepAdd, ""
	case ipvs.StopDaemon:
		return "--stop-daemon " + daemonRole(op.State), stepDelete, "was " + daemonText(&s.oldDaemon)
	}
	return "", stepChange, ""
}

func serviceName(k *ipvs.ServiceKey) string {
	return string(addressText{}.appendServiceOption(nil, k))
}

func serverName(k *ipvs.ServiceKey, d *ipvs.Destination) string {
	return serviceName(k) + " -r " + string(addressText{}.append(nil, d.Addr, k.Protocol))
}

// serviceSettingsText is what makes a service, as options.
func serviceSettingsText(s *ipvs.Service) string {
	line := appendAddService(nil, nil, s)
	return strings.TrimRight(string(line[len("-A "):]), "\n")
}

// serverSettingsText is what makes a real server, thresholds included.
func serverSettingsText(d *ipvs.Destination) string {
	line := strings.TrimRight(string(appendServerOptions(nil, d)), "\n")
	if d.Upper != 0 {
		line += " -x " + strconv.FormatUint(uint64(d.Upper), 10)
	}
	if d.Lower != 0 {
		line += " -y " + strconv.FormatUint(uint64(d.Lower), 10)
	}
	return line
}

// settingsChange returns the options in which two texts differ.
func settingsChange(old, set string) string {
	was, is := strings.Split(old, " -")[1:], strings.Split(set, " -")[1:]
	missing := func(from, in []string) string {
		var list []string
		for _, o := range from {
			if !slices.Contains(in, o) {
				list = append(list, "-"+o)
			}
		}
		return strings.Join(list, " ")
	}
	gone, come := missing(was, is), missing(is, was)
	switch {
	case gone == "" && come == "":
		return "settings that no option shows"
	case gone == "":
		return "now " + come
	case come == "":
		return "no longer " + gone
	}
	return gone + " -> " + come
}

func timeoutsText(t ipvs.Timeouts) string {
	var b []byte
	for _, n := range [...]int64{seconds(t.TCP), seconds(t.TCPFin), seconds(t.UDP)} {
		b = strconv.AppendInt(append(b, ' '), n, 10)
	}
	return string(b)
}

func daemonRole(s ipvs.DaemonState) string {
	if s == ipvs.Backup {
		return "backup"
	}
	return "master"
}

// daemonText is a daemon as the options that start it.
func daemonText(d *ipvs.Daemon) string {
	b := append([]byte(daemonRole(d.State)+" --mcast-interface "), d.Interface...)
	option := func(name string, n uint64) {
		if n != 0 {
			b = strconv.AppendUint(append(append(b, name...), ' '), n, 10)
		}
	}
	option(" --syncid", uint64(d.SyncID))
	option(" --sync-maxlen", uint64(d.MaxLen))
	if d.Group.IsValid() {
		b = appendAddr(append(b, " --mcast-group "...), d.Group)
	}
	option(" --mcast-port", uint64(d.Port))
	option(" --mcast-ttl", uint64(d.TTL))
	return string(b)
}
