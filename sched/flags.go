package sched

import "errors"

// Flags are the three bits of a virtual service whose meaning is the
// scheduler's, in their places among the service's flags (IP_VS_SVC_F_SCHED1 to
// IP_VS_SVC_F_SCHED3 in include/uapi/linux/ip_vs.h). The kernel stores them for
// any scheduler; only sh and mh read them.
type Flags uint32

const (
	Flag1 Flags = 8 << iota // sh-fallback, mh-fallback: another server when the chosen one is unavailable
	Flag2                   // sh-port, mh-port: the client's port is hashed too
	Flag3                   // no scheduler reads it
)

var (
	// ErrUnknownFlag says that no scheduler has a flag of that name.
	ErrUnknownFlag = errors.New("no such scheduler flag")
	// ErrOtherScheduler says that the flag belongs to another scheduler.
	ErrOtherScheduler = errors.New("flag of another scheduler")
)

// flagWord is one spelling of one flag; scheduler is "" if any may use it.
type flagWord struct {
	word, scheduler string
	flag            Flags
}

// flagWords returns every spelling, those of a scheduler before the general
// ones, flags in rising order: the first that fits is the one to print.
func flagWords() []flagWord {
	return []flagWord{
		{"sh-fallback", "sh", Flag1},
		{"sh-port", "sh", Flag2},
		{"mh-fallback", "mh", Flag1},
		{"mh-port", "mh", Flag2},
		{"flag-1", "", Flag1},
		{"flag-2", "", Flag2},
		{"flag-3", "", Flag3},
	}
}

// FlagNames returns the words for the flags that are set, in rising order:
// sh-fallback and sh-port for sh, mh-fallback and mh-port for mh, flag-1 to
// flag-3 for what has no better name. Other bits are ignored. ParseFlag reads
// every word back.
func FlagNames(scheduler string, flags Flags) []string {
	var names []string
	for f := Flag1; f <= Flag3; f <<= 1 {
		if flags&f == 0 {
			continue
		}
		for _, w := range flagWords() {
			if w.flag == f && (w.scheduler == "" || w.scheduler == scheduler) {
				names = append(names, w.word)
				break
			}
		}
	}
	return names
}

// ParseFlag returns the flag a word stands for under a scheduler. flag-1 to
// flag-3 fit any scheduler, the others only their own: ErrOtherScheduler else,
// and ErrUnknownFlag for a word that is none of these.
func ParseFlag(scheduler, word string) (Flags, error) {
	for _, w := range flagWords() {
		if w.word != word {
			continue
		}
		if w.scheduler != "" && w.scheduler != scheduler {
			return 0, ErrOtherScheduler
		}
		return w.flag, nil
	}
	return 0, ErrUnknownFlag
}
