package keepalived

import (
	"slices"
	"strings"
)

// wordInfo is what is known of a word of the language, whatever block it is in.
type wordInfo struct {
	name string
	// args is the notation of what follows: "N", "[BOOL]", "IF [weight N]",
	// "ADDR…". What stands in brackets may be left out, … may be repeated. How
	// many words are wanted follows from it.
	args string
	doc  string // what it sets, with range and default: documentation
	also string // other spellings, separated by blanks
	old  string // spellings that are no longer to be used
	// gone explains a word that keepalived dropped; it is read and does nothing.
	gone string
	// unused says why a word that is read changes nothing here.
	unused string
	// refused says why a word cannot be honoured.
	refused string
	quoted  bool // its words are split by splitQuoted
	many    bool // may be given several times
	first   bool // given again, the first one counts and not the last
	oneName bool // further words are no slip but a second name

	min, max int // words that follow; max -1 for any number
	block    bool
}

// word is a word of the block that fills a T. At most one of set, open and item
// is there; without one the word does nothing beyond its messages.
type word[T any] struct {
	wordInfo
	set  func(*statement, *T)        // a line of words
	open func(*statement, *T) *frame // a block of statements; nil to pass over it
	item func(*statement, *T)        // a block of lines, called for each
	show func(*printer, *T)          // writes the word with its value, for Dump
}

// table is the vocabulary of a block.
type table[T any] struct {
	block string // the word that opens the block, "" for the top of a file
	doc   string
	words []word[T]
	index map[string]int
}

func newTable[T any](block, doc string, lists ...[]word[T]) *table[T] {
	t := &table[T]{block: block, doc: doc, words: slices.Concat(lists...)}
	t.index = make(map[string]int, 2*len(t.words))
	for i := range t.words {
		w := &t.words[i]
		w.min, w.max = arity(w.args)
		w.block = w.open != nil || w.item != nil
		t.index[w.name] = i
		for _, other := range strings.Fields(w.also + " " + w.old) {
			t.index[other] = i
		}
	}
	return t
}

// arity counts the words that a notation asks for and allows.
func arity(args string) (least, most int) {
	optional := 0
	for _, field := range strings.Fields(args) {
		optional += strings.Count(field, "[")
		if strings.HasSuffix(strings.TrimRight(field, "]"), "…") {
			most = -1
		}
		if most >= 0 {
			most++
		}
		if optional == 0 {
			least++
		}
		optional -= strings.Count(field, "]")
	}
	return least, most
}

// vocabulary is a table without its type.
type vocabulary interface {
	find(name string) (*wordInfo, int)
	names() []string
	blockName() string
	about() string
	infos() []*wordInfo
}

func (t *table[T]) find(name string) (*wordInfo, int) {
	i, ok := t.index[name]
	if !ok {
		return nil, 0
	}
	return &t.words[i].wordInfo, i
}

func (t *table[T]) blockName() string {
	if t.block == "" {
		return "the top of the file"
	}
	return t.block
}

func (t *table[T]) about() string { return t.doc }

// names returns the spellings to suggest.
func (t *table[T]) names() []string {
	var all []string
	for i := range t.words {
		if w := &t.words[i]; w.gone == "" {
			all = append(all, w.name)
			all = append(all, strings.Fields(w.also)...)
		}
	}
	return all
}

func (t *table[T]) infos() []*wordInfo {
	all := make([]*wordInfo, len(t.words))
	for i := range t.words {
		all[i] = &t.words[i].wordInfo
	}
	return all
}

// print writes all words that have a value.
func (t *table[T]) print(p *printer, v *T) {
	for i := range t.words {
		if w := &t.words[i]; w.show != nil {
			p.word = w.name
			w.show(p, v)
		}
	}
}

// nearest returns the candidate that word was most likely meant to be, "" if
// none is near.
func nearest(word string, candidates []string) string {
	const longest, most = 64, 1000 // more would take long, and help nobody
	best, bestDistance := "", max(1, min(3, len(word)/3))+1
	if len(word) > longest {
		return ""
	}
	candidates = candidates[:min(len(candidates), most)]
	lower := strings.ToLower(word)
	for _, c := range candidates {
		if diff := len(c) - len(word); diff >= bestDistance || -diff >= bestDistance {
			continue
		}
		if d := editDistance(lower, strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions, changes and swaps of
// neighbouring letters that make b of a.
func editDistance(a, b string) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			d := min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, before[j-1]+1)
			}
			next[j+1] = d
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
