package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Entry is one command of a transcript and what ipvsadm 1.31 answered.
type Entry struct {
	File string // base name of the transcript
	Line int    // where the command stands in it
	// Setup is what has to be done before, in order.
	Setup []Setup
	// Command is the line as it was typed into a shell.
	Command string
	// Want is what the original did.
	Want Outcome
	// Undefined says that the original read memory that was not its own: what it
	// did once it need not do again.
	Undefined bool
	// Differences names the declared differences that make our tool do Instead.
	Differences []string
	Instead     Outcome
}

// Ours is what our tool must do.
func (e Entry) Ours() Outcome {
	if len(e.Differences) > 0 {
		return e.Instead
	}
	return e.Want
}

func (e Entry) String() string { return fmt.Sprintf("%s:%d: $ %s", e.File, e.Line, e.Command) }

// Setup is one directive of a transcript: %VERB ARG and the lines below it that
// begin with a bar.
type Setup struct {
	Verb, Arg string
	Body      string
}

// ReadTranscripts reads all files NN-*.txt of a directory.
func ReadTranscripts(dir string) ([][]Entry, error) {
	names, err := filepath.Glob(filepath.Join(dir, "[0-9]*.txt"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("read transcripts: none in %s", dir)
	}
	var all [][]Entry
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		entries, err := ParseTranscript(filepath.Base(name), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, entries)
	}
	return all, nil
}

// ParseTranscript reads one transcript. Its form is described in the README of
// testdata/transcripts.
func ParseTranscript(name, text string) ([]Entry, error) {
	p := parser{file: name}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		p.line = i + 1
		if err := p.take(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	if p.open {
		return nil, fmt.Errorf("%s: %q has no exit code", name, p.entry.Command)
	}
	return p.entries, nil
}

type parser struct {
	file      string
	line      int
	entries   []Entry
	each      []Setup // repeated before every command
	setup     []Setup // for the next command only
	entry     Entry
	undefined bool // said of the next command
	open      bool // an outcome waits for its exit code
	into      *Outcome
	stream    *string // what plain lines belong to
}

func (p *parser) take(line string) error {
	switch {
	case p.open && strings.HasPrefix(line, "--- "):
		return p.mark(line)
	case p.stream != nil:
		*p.stream += line + "\n"
	case strings.HasPrefix(line, "--- instead ") && len(p.entries) > 0:
		p.instead(line[len("--- instead "):])
	case line == "":
	case strings.HasPrefix(line, "# --- "):
		p.each = nil
	case strings.HasPrefix(line, "#"):
	case strings.HasPrefix(line, "|") && len(p.setup) > 0:
		p.setup[len(p.setup)-1].Body += line[1:] + "\n"
	case strings.HasPrefix(line, "%"):
		return p.directive(line[1:])
	case strings.HasPrefix(line, "$ "), strings.HasPrefix(line, "$+ "):
		return p.command(line)
	default:
		return fmt.Errorf("cannot read %q", line)
	}
	return nil
}

func (p *parser) mark(line string) error {
	switch {
	case line == "--- stdout":
		p.stream = &p.into.Stdout
	case line == "--- stderr":
		p.stream = &p.into.Stderr
	case strings.HasPrefix(line, "--- exit "):
		code, err := strconv.Atoi(line[len("--- exit "):])
		if err != nil {
			return err
		}
		p.into.Exit = code
		p.entries = append(p.entries, p.entry)
		p.open, p.stream = false, nil
	default: // a listing may hold such a line
		if p.stream == nil {
			return fmt.Errorf("cannot read %q", line)
		}
		*p.stream += line + "\n"
	}
	return nil
}

func (p *parser) directive(line string) error {
	verb, arg, _ := strings.Cut(line, " ")
	switch {
	case verb == "each" && arg == "":
		p.each = nil
	case verb == "undefined":
		p.undefined = true
	case verb == "each":
		p.each = append(p.each, Setup{Verb: "run", Arg: arg})
	default:
		p.setup = append(p.setup, Setup{Verb: verb, Arg: arg})
	}
	return nil
}

func (p *parser) command(line string) error {
	if p.open {
		return fmt.Errorf("%q has no exit code", p.entry.Command)
	}
	mark, command, _ := strings.Cut(line, " ")
	p.entry = Entry{File: p.file, Line: p.line, Command: command, Undefined: p.undefined}
	if mark == "$" {
		p.entry.Setup = append(p.entry.Setup, p.each...)
	}
	p.entry.Setup = append(p.entry.Setup, p.setup...)
	p.setup, p.undefined, p.open, p.stream, p.into = nil, false, true, nil, &p.entry.Want
	return nil
}

// instead reopens the last entry for what our tool does.
func (p *parser) instead(names string) {
	last := len(p.entries) - 1
	p.entry, p.entries = p.entries[last], p.entries[:last]
	p.entry.Differences = strings.Fields(names)
	p.open, p.into = true, &p.entry.Instead
}
