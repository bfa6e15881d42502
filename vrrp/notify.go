package vrrp

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// MessengerConfig says whom a Messenger tells, apart from what each instance and
// group says for itself.
type MessengerConfig struct {
	// RouterID names this machine in mails.
	RouterID string
	Mail     MailConfig
	// FIFOs get a line for each notification.
	FIFOs []FIFOConfig
	// Detail logs more (keepalived's -D).
	Detail bool
	// Policy is for programs.
	Policy ScriptPolicy
}

const (
	// maxQueued is how many reports may wait to be told, and how many mails to
	// be sent. A log or a mail server that stands still must not hold up the
	// manager, nor fill the memory.
	maxQueued = 4096
	maxMails  = 256
	// maxRunning is how many programs may run at a time. A program that hangs
	// must not keep the next one from being run, as with keepalived; but there
	// is an end to that.
	maxRunning = 1024
)

// Messenger is a Notifier that tells the world: the log, programs, FIFOs and mail,
// in this order for each notification. Programs run side by side, as keepalived's
// do; who needs the order of events reads a FIFO.
type Messenger struct {
	log     *slog.Logger
	reports chan queued
	mails   chan mailing
	lost    atomic.Uint64
	running chan struct{} // as many as programs run
	working sync.WaitGroup
	ended   chan struct{} // the queue is empty and closed

	mu     sync.Mutex // for config and fifos
	config MessengerConfig
	fifos  []*fifo
	begun  map[string]bool // instances and groups that have told of themselves
}

// queued is a report, or with Telling what somebody else has to tell.
type queued struct {
	Report
	*Telling
}

// Telling is what another part of the process has to tell, with words of its own.
// What stands in the log it has said itself.
type Telling struct {
	Command *Command // to run, nil for none
	FIFO    string   // a line for FIFOs that take events of servers, without its end
	// Subject and Body are a mail, "" for none. The name of this machine comes in
	// front of the subject.
	Subject, Body string
}

type mailing struct {
	config MailConfig
	mail   mail
}

// NewMessenger makes a Messenger that logs, and tells nobody else before Apply.
func NewMessenger(log *slog.Logger) *Messenger {
	m := &Messenger{
		log:     log,
		reports: make(chan queued, maxQueued),
		mails:   make(chan mailing, maxMails),
		running: make(chan struct{}, maxRunning),
		ended:   make(chan struct{}),
		begun:   make(map[string]bool),
	}
	go m.tellAll()
	m.working.Add(1)
	go m.sendMails()
	return m
}

// Apply replaces the configuration. FIFOs that are in both stay open. FIFOs that
// cannot be opened are left out, and the log says why.
func (m *Messenger) Apply(c MessengerConfig) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var fifos []*fifo
	for _, fc := range c.FIFOs {
		if fc.Path == "" {
			continue
		}
		if old := m.take(fc); old != nil {
			fifos = append(fifos, old)
			continue
		}
		f, err := openFIFO(fc, c.Policy, m.log)
		if err != nil {
			m.log.Warn(err.Error())
			continue
		}
		fifos = append(fifos, f)
	}
	m.closeFIFOs(0)
	m.config, m.fifos = c, fifos
}

// take removes and returns an open FIFO of that configuration.
func (m *Messenger) take(c FIFOConfig) *fifo {
	for i, f := range m.fifos {
		if reflect.DeepEqual(f.config, c) {
			m.fifos = append(m.fifos[:i:i], m.fifos[i+1:]...)
			return f
		}
	}
	return nil
}

func (m *Messenger) closeFIFOs(patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, f := range m.fifos {
		f.close(ctx)
	}
	m.fifos = nil
}

// Notify takes in a report. It does not wait: if 4096 are waiting it is lost.
func (m *Messenger) Notify(r Report) {
	if _, ok := r.Action.(Notify); ok && r.Config != nil {
		// A reload may change it before the report is told.
		config := *r.Config
		r.Config = &config
	} else {
		r.Config = nil
	}
	if _, ok := r.Action.(Detail); ok && len(m.reports) > detailLevel {
		m.lost.Add(1)
		return
	}
	m.queue(queued{Report: r})
}

// Tell takes in what another part of the process has to tell, and does not wait
// either.
func (m *Messenger) Tell(t Telling) { m.queue(queued{Telling: &t}) }

func (m *Messenger) queue(q queued) {
	select {
	case m.reports <- q:
	default:
		m.lost.Add(1)
	}
}

// Lost is how many reports were lost because too many were waiting.
func (m *Messenger) Lost() uint64 { return m.lost.Load() }

// Close tells what is waiting to be told, and waits for programs and mails until
// the context ends; programs then go on without us. There must be no Notify after
// it.
func (m *Messenger) Close(ctx context.Context) {
	close(m.reports)
	select {
	case <-m.ended:
	case <-ctx.Done():
		return
	}
	close(m.mails)
	done := make(chan struct{})
	go func() { m.working.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closeFIFOs(time.Second)
}

// tellAll is the goroutine that tells what was reported, one after the other.
func (m *Messenger) tellAll() {
	defer close(m.ended)
	told := uint64(0)
	for r := range m.reports {
		m.mu.Lock()
		if r.Telling != nil {
			m.pass(r.Telling)
		} else {
			m.tell(&r.Report)
		}
		m.mu.Unlock()
		if lost := m.lost.Load(); lost != told {
			m.log.Error(fmt.Sprintf("%d reports were lost: too many at a time", lost-told))
			told = lost
		}
	}
}

func (m *Messenger) tell(r *Report) {
	if d, ok := r.Action.(Detail); ok {
		for _, line := range d.Lines {
			m.log.Info(line, r.attributes()...)
		}
		return
	}
	if line, level := r.logLine(m.config.Detail); line != "" {
		m.log.Log(context.Background(), level, line, r.attributes()...)
	}
	n, ok := r.Action.(Notify)
	if !ok || r.Config == nil {
		return
	}
	own, generic := r.commands(n)
	m.start(own)
	if generic != nil {
		m.start(generic, r.arguments(n)...)
	}
	m.write(r.fifoLine(n), RouterEvents)
	atRest := m.atRest(r, n)
	if mail, ok := r.mailFor(n, m.config.RouterID, m.config.Mail.NoFaults); ok && !atRest {
		m.mail(mail)
	}
}

// atRest tells whether this is the news that something began as BACKUP, which
// keepalived does not write a mail about.
func (m *Messenger) atRest(r *Report, n Notify) bool {
	kind, name := r.kindAndName()
	key := kind + " " + name
	switch n.Kind {
	case NotifyStop:
		delete(m.begun, key)
	case NotifyState:
		first := !m.begun[key]
		m.begun[key] = true
		return first && n.State == Backup
	}
	return false
}

// pass passes on what another part of the process has to tell.
func (m *Messenger) pass(t *Telling) {
	m.start(t.Command)
	if t.FIFO != "" {
		m.write(t.FIFO+"\n", ServerEvents)
	}
	if t.Subject != "" {
		m.mail(mail{subject: "[" + m.config.RouterID + "] " + t.Subject, body: t.Body})
	}
}

// write writes a line to the FIFOs that take such events.
func (m *Messenger) write(line string, events FIFOEvents) {
	for _, f := range m.fifos {
		if line != "" && (f.config.Events == AllEvents || f.config.Events == events) {
			f.write(line)
		}
	}
}

// mail has a mail sent, if mails are.
func (m *Messenger) mail(mail mail) {
	if m.config.Mail.Server == "" || len(m.config.Mail.To) == 0 {
		return
	}
	select {
	case m.mails <- mailing{m.config.Mail, mail}:
	default:
		m.log.Warn("Too many mails are waiting; lost: " + mail.subject)
	}
}

// start runs a program, and does not wait for it. It is looked at again each time:
// it may have changed since the configuration was read.
func (m *Messenger) start(c *Command, more ...string) {
	if c == nil {
		return
	}
	program, err := m.config.Policy.Prepare(*c)
	if err != nil {
		m.log.Warn("Cannot run notify script: " + err.Error())
		return
	}
	select {
	case m.running <- struct{}{}:
	default:
		m.log.Error(fmt.Sprintf("%d notify scripts are running, not run: %v", maxRunning, program))
		return
	}
	m.working.Add(1)
	go func() {
		defer m.working.Done()
		if r := program.Run(context.Background(), more...); !r.OK() {
			m.log.Warn(fmt.Sprintf("Notify script %v %v", program, r))
		}
		<-m.running
	}()
}

// sendMails is the goroutine that sends mails, one after the other.
func (m *Messenger) sendMails() {
	defer m.working.Done()
	for j := range m.mails {
		if err := j.config.send(context.Background(), j.mail); err != nil {
			m.log.Warn(fmt.Sprintf("SMTP alert %q was not sent: %v", j.mail.subject, err))
		} else {
			m.log.Info("SMTP alert successfully sent.")
		}
	}
}
