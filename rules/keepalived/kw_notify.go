package keepalived

import (
	"strings"

	"ipvsadm/vrrp"
)

// commandWord is a word that names a program to run: CMD [USER [GROUP]]. The
// first one given counts.
func commandWord[T any](l *loader, name, doc string, at func(*T) **vrrp.Command) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, args: "CMD [USER [GROUP]]", quoted: true, first: true, doc: doc},
		set: func(s *statement, t *T) {
			if c := l.command(s); c != nil {
				*at(t) = c
			}
		},
		show: func(p *printer, t *T) {
			if c := *at(t); c != nil {
				p.line(commandWords(c)...)
			}
		},
	}
}

// command reads CMD [USER [GROUP]]; nil if there is no command in it.
func (l *loader) command(s *statement) *vrrp.Command {
	argv, ok := s.argv(0)
	if !ok {
		return nil
	}
	c := &vrrp.Command{Argv: argv}
	if len(s.args) > 1 {
		c.User = s.args[1]
	}
	if len(s.args) > 2 {
		c.Group = s.args[2]
	}
	l.use(s.pos, s.info.name, c)
	return c
}

// use remembers a program for those who will look at it.
func (l *loader) use(pos Position, word string, c *vrrp.Command) {
	l.commands = append(l.commands, CommandUse{Position: pos, Word: word, Command: c})
}

func commandWords(c *vrrp.Command) []string {
	words := []string{quoteFor(joinArgv(c.Argv))}
	if c.User != "" {
		words = append(words, quoteFor(c.User))
		if c.Group != "" {
			words = append(words, quoteFor(c.Group))
		}
	}
	return words
}

// notifyWords are those that instances and groups share.
func notifyWords[T any](l *loader, at func(*T) *vrrp.NotifyConfig) []word[T] {
	return []word[T]{
		commandWord(l, "notify_master", "Program to run when becoming master.", func(t *T) **vrrp.Command { return &at(t).Master }),
		commandWord(l, "notify_backup", "Program to run when becoming backup.", func(t *T) **vrrp.Command { return &at(t).Backup }),
		commandWord(l, "notify_fault", "Program to run on FAULT.", func(t *T) **vrrp.Command { return &at(t).Fault }),
		commandWord(l, "notify_stop", "Program to run at the end.", func(t *T) **vrrp.Command { return &at(t).Stop }),
		commandWord(l, "notify", "Program to run at every change, with INSTANCE or GROUP, name, state and priority added.", func(t *T) **vrrp.Command { return &at(t).Any }),
		boolean("notify_priority_changes", "Write changes of priority to the FIFOs; default vrrp_notify_priority_changes.", func(t *T) *bool { return &at(t).Priorities }),
		boolean("smtp_alert", "Send mail at changes; default smtp_alert_vrrp, smtp_alert, off.", func(t *T) *bool { return &at(t).Mail }),
	}
}

// instanceNotify are the words that only instances have besides.
func (l *loader) instanceNotify() []word[instance] {
	deleted := commandWord(l, "notify_deleted", "Say DELETED and not FAULT when the instance is gone after a reload, and run the program if there is one.",
		func(v *instance) **vrrp.Command { return &v.Notify.Deleted })
	deleted.args = "[CMD [USER [GROUP]]]"
	set, show := deleted.set, deleted.show
	deleted.set = func(s *statement, v *instance) {
		v.Notify.DeletedState = true
		if len(s.args) > 0 {
			set(s, v)
		}
	}
	deleted.show = func(p *printer, v *instance) {
		if v.Notify.DeletedState && v.Notify.Deleted == nil {
			p.line()
		}
		show(p, v)
	}
	return append(notifyWords(l, func(v *instance) *vrrp.NotifyConfig { return &v.Notify }), deleted,
		commandWord(l, "notify_master_rx_lower_pri", "Program to run when a master gets an advertisement of lower priority.",
			func(v *instance) **vrrp.Command { return &v.Notify.MasterRxLower }))
}

// group is a vrrp_sync_group while it is read.
type group struct {
	base
	vrrp.GroupConfig
	track trackers
}

func (l *loader) groupTable() *table[group] {
	words := []word[group]{
		{
			wordInfo: wordInfo{name: "group", doc: "Names of the instances, one or more on each line.", first: true},
			item: func(s *statement, g *group) {
				for _, name := range append([]string{s.name}, s.args...) {
					g.Instances = append(g.Instances, strings.Clone(name))
				}
			},
			show: func(p *printer, g *group) {
				printItems(p, g.Instances, func(n string) []string { return []string{quote(n)} })
			},
		},
		flag("sync_group_tracking_weight", "Let the weights of the members' trackers count.", func(g *group) *bool { return &g.KeepWeights }),
		{wordInfo: wordInfo{name: "global_tracking", doc: "Old: track in the group.", gone: "track_interface and the others can be written in the group"}},
	}
	words = append(words, trackWords(func(g *group) *trackers { return &g.track }, func(g *group) *vrrp.TrackConfig { return &g.Track })...)
	return newTable("vrrp_sync_group", "Instances that are master together or not at all.", words, notifyWords(l, func(g *group) *vrrp.NotifyConfig { return &g.Notify }))
}

func (l *loader) openGroup(s *statement) *frame {
	g := &group{}
	g.Name = s.str(0)
	if !l.define(s, "vrrp_sync_group", g.Name) {
		return nil
	}
	return enter(s, l.words.group, g, &g.base, func() { l.syncGroups = append(l.syncGroups, g) })
}
