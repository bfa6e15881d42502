package keepalived

import (
	"strconv"
	"strings"

	"ipvsadm/vrrp"
)

// tracked is a line of a track_… block before the name is looked up.
type tracked struct {
	vrrp.TrackedConfig
	weighted bool // has a weight of its own
	reversed bool // has reverse or noreverse
	pos      Position
}

// trackers are the track_… blocks of an instance or a group.
type trackers struct {
	devices, scripts, files, processes, pools trackList
}

// trackList is a track_… block.
type trackList struct {
	all  []tracked
	seen set[string]
}

// Largest weights. 254 of a file or a process is for numbers that are negative.
const (
	weightLimit     = 253
	weightLimitFile = 254
)

// trackWords are the track_… blocks, for whoever has trackers and ends with a
// TrackConfig.
func trackWords[T any](at func(*T) *trackers, of func(*T) *vrrp.TrackConfig) []word[T] {
	block := func(name, doc string, limit int, list func(*trackers) *trackList, result func(*vrrp.TrackConfig) []vrrp.TrackedConfig) word[T] {
		return word[T]{
			wordInfo: wordInfo{name: name, many: true, doc: doc},
			item: func(s *statement, t *T) {
				if one, ok := s.tracked(limit, 0); ok {
					s.addTracked(list(at(t)), one)
				}
			},
			show: func(p *printer, t *T) { printItems(p, result(of(t)), formatTracked) },
		}
	}
	words := []word[T]{
		block("track_interface", "Interfaces to watch: IF [weight N [reverse]], -253 to 253; without weight FAULT when it is down.", weightLimit,
			func(t *trackers) *trackList { return &t.devices }, func(c *vrrp.TrackConfig) []vrrp.TrackedConfig { return c.Devices }),
		block("track_script", "Scripts to watch: NAME [weight N [reverse|noreverse]]; default weight that of the vrrp_script.", weightLimit,
			func(t *trackers) *trackList { return &t.scripts }, func(c *vrrp.TrackConfig) []vrrp.TrackedConfig { return c.Scripts }),
		block("track_file", "Files to watch: NAME [weight N [reverse|noreverse]], -254 to 254; default weight that of the track_file.", weightLimitFile,
			func(t *trackers) *trackList { return &t.files }, func(c *vrrp.TrackConfig) []vrrp.TrackedConfig { return c.Files }),
		block("track_process", "Processes to watch: NAME [weight N [reverse|noreverse]], -254 to 254; default weight that of the vrrp_track_process.", weightLimitFile,
			func(t *trackers) *trackList { return &t.processes }, func(c *vrrp.TrackConfig) []vrrp.TrackedConfig { return c.Processes }),
	}
	return append(words, poolWord(at, of), refusedBlock[T]("track_bfd", "BFD sessions to watch.", noBFD))
}

// poolWord is track_virtual_server, which keepalived does not have.
func poolWord[T any](at func(*T) *trackers, of func(*T) *vrrp.TrackConfig) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: "track_virtual_server", many: true,
			doc: "Virtual servers that must have their quorum: IP PORT [tcp|udp|sctp], fwmark N or group NAME [tcp|udp|sctp], then [weight N [reverse]]. Not a word of keepalived."},
		item: func(s *statement, t *T) {
			name, used, ok := s.poolName()
			if !ok {
				return
			}
			if one, ok := s.tracked(weightLimit, used); ok {
				one.Name = name
				s.addTracked(&at(t).pools, one)
			}
		},
		show: func(p *printer, t *T) { printItems(p, of(t).Pools, formatPool) },
	}
}

// poolName reads the words that name a virtual server and returns the name by
// which the log knows it, and how many words there were behind the first.
func (s *statement) poolName() (name string, used int, ok bool) {
	protocol := func(i int) string {
		if i < len(s.args) {
			switch p := strings.ToLower(s.args[i]); p {
			case "tcp", "udp", "sctp", "none":
				used = i + 1
				return p
			}
		}
		used = i
		return "tcp"
	}
	if len(s.args) == 0 {
		s.fail(KindMissing, s.name+" names no virtual server", "write IP PORT, fwmark N or group NAME")
		return "", 0, false
	}
	switch s.name {
	case "fwmark":
		if n, ok := inRange[uint32](s, 0, 1, 1<<32-1); ok {
			return "FWM " + strconv.Itoa(int(n)), 1, true
		}
		return "", 0, false
	case "group":
		p := protocol(1)
		return "[" + s.args[0] + "]:" + p + ":0", used, true
	}
	a, ok := parseAddr(s.name)
	if !ok {
		s.warn(KindValue, strconv.Quote(abridge(s.name))+" is ignored: it names no virtual server", "write IP PORT, fwmark N or group NAME")
		return "", 0, false
	}
	port, ok := inRange[uint16](s, 0, 0, 65535)
	p := protocol(1)
	return "[" + a.String() + "]:" + p + ":" + strconv.Itoa(int(port)), used, ok
}

// formatPool writes a virtual server as poolName reads it.
func formatPool(t vrrp.TrackedConfig) []string {
	var words []string
	if mark, ok := strings.CutPrefix(t.Name, "FWM "); ok {
		words = []string{"fwmark", mark}
	} else {
		end := strings.LastIndex(t.Name, "]:")
		name := t.Name[1:end]
		protocol, port, _ := strings.Cut(t.Name[end+2:], ":")
		if a, ok := parseAddr(name); ok {
			words = []string{a.String(), port, protocol}
		} else {
			words = []string{"group", quote(name), protocol}
		}
	}
	return append(words, formatTracked(t)[1:]...)
}

// tracked reads a line of a track_… block. The first used arguments are part of
// the name.
func (s *statement) tracked(limit, used int) (tracked, bool) {
	one := tracked{pos: s.pos}
	one.Name = strings.Clone(s.name)
	args := s.args[used:]
	if len(args) == 0 {
		return one, one.Name != ""
	}
	if args[0] != "weight" {
		s.warn(KindUnknown, s.name+" has no option "+abridge(args[0]), "write each name on a line of its own: NAME [weight N [reverse]]")
		return one, true
	}
	if len(args) == 1 {
		s.fail(KindMissing, "weight has no value", "write "+s.name+" weight N")
		return one, false
	}
	n, rest, ok := s.weight(args[1:], limit)
	if !ok {
		return one, true
	}
	one.Weight, one.weighted = n, true
	one.Reverse, one.reversed = s.reverse(rest)
	return one, true
}

// weight reads a weight. A weight one above the limit is taken for the limit, as
// keepalived does.
func (s *statement) weight(args []string, limit int) (n int, rest []string, ok bool) {
	v, ok := parseInt(args[0])
	if ok && limit == weightLimit && (v == weightLimit+1 || v == -weightLimit-1) {
		s.warn(KindValue, "weight "+args[0]+" is one too many", "write a weight from -253 to 253")
		v -= v / (weightLimit + 1)
	}
	if !ok || v < -int64(limit) || v > int64(limit) {
		s.warn(KindValue, "the weight of "+abridge(s.name)+" is ignored: "+strconv.Quote(abridge(args[0]))+" is not a whole number from -"+strconv.Itoa(limit)+" to "+strconv.Itoa(limit), "")
		return 0, nil, false
	}
	return int(v), args[1:], true
}

// reverse reads what may stand behind a weight.
func (s *statement) reverse(args []string) (reverse, given bool) {
	if len(args) == 0 {
		return false, false
	}
	switch args[0] {
	case "reverse":
		return true, true
	case "noreverse", "no_reverse":
		return false, true
	}
	s.warn(KindUnknown, "a weight has no option "+abridge(args[0]), "write reverse or noreverse")
	return false, false
}

// addTracked adds a tracked thing unless it is there.
func (s *statement) addTracked(list *trackList, one tracked) {
	if list.seen.twice(one.Name) {
		s.warn(KindDuplicate, one.Name+" is tracked twice; the first one counts", "leave one out")
		return
	}
	list.all = append(list.all, one)
}

func formatTracked(t vrrp.TrackedConfig) []string {
	words := []string{quote(t.Name), "weight", strconv.Itoa(t.Weight)}
	if t.Reverse {
		return append(words, "reverse")
	}
	return append(words, "noreverse")
}

func (l *loader) instanceTracking() []word[instance] {
	words := trackWords(func(v *instance) *trackers { return &v.track }, func(v *instance) *vrrp.TrackConfig { return &v.Track })
	return append(words, word[instance]{
		wordInfo: wordInfo{name: "dont_track_primary", doc: "Do not go to FAULT when the interface is down."},
		set:      func(_ *statement, v *instance) { v.TrackDevice = false },
		show: func(p *printer, v *instance) {
			if !v.TrackDevice {
				p.line()
			}
		},
	})
}
