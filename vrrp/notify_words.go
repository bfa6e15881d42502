package vrrp

import (
	"strconv"
	"strings"
)

// word is what the world is told: MASTER, BACKUP, FAULT, STOP, DELETED or one of
// the words that only FIFOs get. An instance that a reload took away tells FAULT,
// unless notify_deleted was set.
func (r *Report) word(n Notify) string {
	switch {
	case n.Kind != NotifyStop || !r.Deleted:
		return n.Word()
	case r.Config.DeletedState:
		return "DELETED"
	}
	return Fault.String()
}

// command is the program for that word alone, nil if there is none.
func (c *NotifyConfig) command(word string) *Command {
	switch word {
	case "MASTER":
		return c.Master
	case "BACKUP":
		return c.Backup
	case "FAULT":
		return c.Fault
	case "STOP":
		return c.Stop
	case "DELETED":
		return c.Deleted
	}
	return nil
}

// kindAndName are the first two words of a FIFO's line and of what the generic
// notify program gets.
func (r *Report) kindAndName() (kind, name string) {
	if r.Group != "" {
		return "GROUP", r.Group
	}
	return "INSTANCE", r.Instance
}

// arguments are what the generic notify program gets behind its own.
func (r *Report) arguments(n Notify) []string {
	kind, name := r.kindAndName()
	return []string{kind, name, r.word(n), strconv.Itoa(int(n.Priority))}
}

// fifoLine is the line for FIFOs, "" for what they are not told.
func (r *Report) fifoLine(n Notify) string {
	if n.Kind == NotifyPriority && !r.Config.Priorities {
		return ""
	}
	kind, name := r.kindAndName()
	// A name with a line feed in it would be two lines for the reader.
	name = strings.Map(func(c rune) rune {
		if c < ' ' {
			return -1
		}
		return c
	}, name)
	return kind + ` "` + name + `" ` + r.word(n) + " " + strconv.Itoa(int(n.Priority)) + "\n"
}

// commands are the programs to run: the one for the word, then the generic one,
// which gets four words more.
func (r *Report) commands(n Notify) (own, generic *Command) {
	switch n.Kind {
	case NotifyPriority:
		return nil, nil
	case NotifyLowerPriority:
		return r.Config.MasterRxLower, nil
	}
	return r.Config.command(r.word(n)), r.Config.Any
}
