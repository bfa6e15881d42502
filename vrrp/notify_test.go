package vrrp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReportWords(t *testing.T) {
	cmd := func(name string) *Command { return &Command{Argv: []string{name}} }
	all := NotifyConfig{
		Master: cmd("master"), Backup: cmd("backup"), Fault: cmd("fault"), Stop: cmd("stop"),
		Deleted: cmd("deleted"), Any: cmd("any"), MasterRxLower: cmd("lower"), Priorities: true,
	}
	deleted := all
	deleted.DeletedState = true
	tests := []struct {
		name    string
		report  Report
		notify  Notify
		config  NotifyConfig
		own     string // program for the word alone
		generic string // what the generic one gets
		fifo    string
	}{
		{"master", Report{Instance: "VI_1"}, Notify{NotifyState, Active, 150}, all,
			"master", "INSTANCE VI_1 MASTER 150", "INSTANCE \"VI_1\" MASTER 150\n"},
		{"backup", Report{Instance: "VI_1"}, Notify{NotifyState, Backup, 100}, all,
			"backup", "INSTANCE VI_1 BACKUP 100", "INSTANCE \"VI_1\" BACKUP 100\n"},
		{"fault", Report{Instance: "VI_1"}, Notify{NotifyState, Fault, 100}, all,
			"fault", "INSTANCE VI_1 FAULT 100", "INSTANCE \"VI_1\" FAULT 100\n"},
		{"a group", Report{Group: "G1"}, Notify{NotifyState, Active, 0}, all,
			"master", "GROUP G1 MASTER 0", "GROUP \"G1\" MASTER 0\n"},
		{"stop", Report{Instance: "V"}, Notify{NotifyStop, Initialize, 100}, all,
			"stop", "INSTANCE V STOP 100", "INSTANCE \"V\" STOP 100\n"},
		{"gone after a reload", Report{Instance: "V", Deleted: true}, Notify{NotifyStop, Initialize, 100}, all,
			"fault", "INSTANCE V FAULT 100", "INSTANCE \"V\" FAULT 100\n"},
		{"gone after a reload, with notify_deleted", Report{Instance: "V", Deleted: true}, Notify{NotifyStop, Initialize, 100}, deleted,
			"deleted", "INSTANCE V DELETED 100", "INSTANCE \"V\" DELETED 100\n"},
		{"a change of priority is for FIFOs", Report{Instance: "V"}, Notify{NotifyPriority, Backup, 90}, all,
			"", "", "INSTANCE \"V\" BACKUP_PRIORITY 90\n"},
		{"and only if asked for", Report{Instance: "V"}, Notify{NotifyPriority, Backup, 90}, NotifyConfig{},
			"", "", ""},
		{"a lower priority was heard", Report{Instance: "V"}, Notify{NotifyLowerPriority, Active, 90}, all,
			"lower", "", "INSTANCE \"V\" MASTER_RX_LOWER_PRI 90\n"},
		{"a name cannot make a second line", Report{Instance: "V\nINSTANCE \"W\" MASTER 1"}, Notify{NotifyState, Active, 9}, NotifyConfig{},
			"", "", "INSTANCE \"VINSTANCE \"W\" MASTER 1\" MASTER 9\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := test.report
			r.Config = &test.config
			own, generic := r.commands(test.notify)
			name := func(c *Command) string {
				if c == nil {
					return ""
				}
				return c.Argv[0]
			}
			if name(own) != test.own {
				t.Errorf("runs %q, want %q", name(own), test.own)
			}
			if (generic != nil) != (test.generic != "") {
				t.Errorf("runs the generic program: %v", generic != nil)
			}
			if got := strings.Join(r.arguments(test.notify), " "); test.generic != "" && got != test.generic {
				t.Errorf("the generic program gets %q, want %q", got, test.generic)
			}
			if got := r.fifoLine(test.notify); got != test.fifo {
				t.Errorf("FIFO gets %q, want %q", got, test.fifo)
			}
		})
	}
}

func TestLogLines(t *testing.T) {
	tests := []struct {
		name   string
		report Report
		detail bool
		want   string
	}{
		{"a transition", Report{Instance: "VI_1", Action: Transition{From: Backup, To: Active}}, false, "(VI_1) Entering MASTER STATE"},
		{"the start", Report{Instance: "VI_1", Action: Transition{To: Backup}}, false, "(VI_1) Entering BACKUP STATE (init)"},
		{"a group", Report{Group: "G", Action: Transition{From: Backup, To: Active}}, false, "VRRP_Group(G) Syncing instances to MASTER state"},
		{"detail that nobody asked for", Report{Instance: "V", Action: Log{Note: NoteTimeout}}, false, ""},
		{"detail", Report{Instance: "V", Action: Log{Note: NoteTimeout}}, true, "(V) Receive advertisement timeout"},
		{"a notification is no line", Report{Instance: "V", Action: Notify{}}, true, ""},
		{"a refusal", Report{Instance: "V", Action: Refuse{Verdict: Verdict{Reason: ReasonTTL, Got: 64, Want: 255}}}, false,
			"(V) invalid TTL/HL. Received 64 and expect 255"},
	}
	for _, test := range tests {
		if got, _ := test.report.logLine(test.detail); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestMessenger tells a FIFO, programs and the log of a life.
func TestMessenger(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	record := func(word string) *Command {
		return &Command{Argv: []string{script(t, filepath.Join(dir, word+".sh"), `echo "`+word+` $*" >> `+out)}, User: me()}
	}
	var log lineHandler
	m := NewMessenger(slog.New(&log))
	path := filepath.Join(dir, "fifo")
	m.Apply(MessengerConfig{FIFOs: []FIFOConfig{{}, {Path: path}}, Policy: ours(false)})
	reader, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	config := &NotifyConfig{Master: record("own"), Any: record("any")}
	config.Master.Argv = append(config.Master.Argv, "configured")
	m.Notify(Report{Instance: "VI_1", Action: Transition{From: Backup, To: Active}, Config: config})
	m.Notify(Report{Instance: "VI_1", Action: Notify{NotifyState, Active, 150}, Config: config})
	config.Any = nil // as a reload does
	// The second one is after the first: the FIFO keeps the order of events.
	m.Notify(Report{Instance: "VI_1", Action: Notify{NotifyState, Backup, 150}, Config: config})
	lines := bufio.NewScanner(reader)
	for _, want := range []string{`INSTANCE "VI_1" MASTER 150`, `INSTANCE "VI_1" BACKUP 150`} {
		if !lines.Scan() || lines.Text() != want {
			t.Errorf("FIFO says %q (%v), want %q", lines.Text(), lines.Err(), want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	m.Close(ctx)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	ran := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(ran) // they run side by side
	if want := []string{"any INSTANCE VI_1 MASTER 150", "own configured"}; !slices.Equal(ran, want) {
		t.Errorf("ran %q, want %q", ran, want)
	}
	if got := log.String(); got != "(VI_1) Entering MASTER STATE\n" {
		t.Errorf("logged %q", got)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the FIFO that we made is still there: %v", err)
	}
}

// TestMessengerFull loses reports rather than hold up the manager, and says so.
func TestMessengerFull(t *testing.T) {
	log := &blockingHandler{enter: make(chan struct{}), leave: make(chan struct{})}
	m := NewMessenger(slog.New(log))
	line := Report{Instance: "V", Action: Transition{From: Backup, To: Active}}
	m.Notify(line)
	<-log.enter // the log stands still now
	const over = 10
	for range maxQueued + over {
		m.Notify(line)
	}
	if got := m.Lost(); got != over {
		t.Errorf("%d reports lost, want %d", got, over)
	}
	// Details give way first: they must not cost a report that matters.
	m.Notify(Report{Instance: "V", Action: Detail{[]string{"a detail"}}})
	close(log.leave)
	m.Close(t.Context())
	log.mu.Lock()
	defer log.mu.Unlock()
	if n := log.lines["a detail"]; n != 0 {
		t.Error("a detail was told while the queue was full")
	}
	want := fmt.Sprintf("%d reports were lost: too many at a time", over+1)
	if n := log.lines[want]; n != 1 {
		t.Errorf("said %d times that reports were lost", n)
	}
	if n := log.lines["(V) Entering MASTER STATE"]; n != maxQueued+1 {
		t.Errorf("told %d reports, want %d", n, maxQueued+1)
	}
}

// blockingHandler is a log that stands still.
type blockingHandler struct {
	once         sync.Once
	enter, leave chan struct{}
	mu           sync.Mutex
	lines        map[string]int
}

func (h *blockingHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h *blockingHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *blockingHandler) WithGroup(string) slog.Handler            { return h }
func (h *blockingHandler) Handle(_ context.Context, r slog.Record) error {
	h.once.Do(func() { close(h.enter) })
	<-h.leave
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lines == nil {
		h.lines = map[string]int{}
	}
	h.lines[r.Message]++
	return nil
}

// TestFIFOPlanted refuses what somebody else put where the FIFO should be.
func TestFIFOPlanted(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(at("file"), []byte("precious"), 0o600))
	must(unix.Mkfifo(at("real"), 0o600))
	must(os.Symlink("real", at("link")))
	must(os.Symlink("nowhere", at("dangling")))
	must(os.Mkdir(at("directory"), 0o700))
	must(unix.Mkfifo(at("twice"), 0o600))
	must(os.Link(at("twice"), at("hard")))
	names := []string{"file", "link", "dangling", "directory", "hard", "none/there"}
	if os.Geteuid() == 0 {
		must(unix.Mkfifo(at("theirs"), 0o600))
		must(os.Chown(at("theirs"), 12345, 12345))
		names = append(names, "theirs")
	}
	for _, name := range names {
		f, err := openFIFO(FIFOConfig{Path: at(name)}, ours(false), slog.New(slog.DiscardHandler))
		if err == nil {
			t.Errorf("%s is taken for a FIFO", name)
			f.close(t.Context())
		}
	}
	if text, err := os.ReadFile(at("file")); err != nil || string(text) != "precious" {
		t.Errorf("the file says %q now (%v)", text, err)
	}
	f, err := openFIFO(FIFOConfig{Path: at("real")}, ours(false), slog.New(slog.DiscardHandler))
	must(err)
	f.close(t.Context())
	if _, err := os.Lstat(at("real")); err != nil {
		t.Errorf("a FIFO that was there before is gone: %v", err)
	}
}

func TestFIFOMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	c := FIFOConfig{Path: path}
	if os.Geteuid() == 0 {
		c.User, c.Group = "nobody", "daemon"
	}
	f, err := openFIFO(c, ours(false), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer f.close(t.Context())
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil || st.Mode != unix.S_IFIFO|0o600 {
		t.Errorf("made with mode %o (%v), want a FIFO of mode 600", st.Mode, err)
	}
	if os.Geteuid() == 0 && (st.Uid != 65534 || st.Gid != 1) {
		t.Errorf("it belongs to %d:%d, want nobody:daemon", st.Uid, st.Gid)
	}
}

// TestFIFOFull loses lines that nobody reads, and goes on when somebody does.
func TestFIFOFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	var log lineHandler
	f, err := openFIFO(FIFOConfig{Path: path}, ours(false), slog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	defer f.close(t.Context())
	line := strings.Repeat("x", 1023) + "\n"
	for range 100 {
		f.write(line)
	}
	if f.lost == 0 || f.lost >= 100 {
		t.Fatalf("%d of 100 lines were lost", f.lost)
	}
	kept := 100 - int(f.lost)
	reader, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	text := make([]byte, kept*len(line))
	if _, err := io.ReadFull(reader, text); err != nil || strings.Count(string(text), line) != kept {
		t.Errorf("read something else than %d whole lines (%v)", kept, err)
	}
	f.write("again\n")
	if n, _ := reader.Read(text); string(text[:n]) != "again\n" {
		t.Errorf("read %q after that", text[:n])
	}
	if got := strings.Count(log.String(), "\n"); got != 2 || !strings.Contains(log.String(), "lines are lost until") || !strings.Contains(log.String(), "is read again") {
		t.Errorf("logged %q", log.String())
	}
}

// TestFIFOScript starts the reader, again when it ends, and ends it only after it
// has read everything.
func TestFIFOScript(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	reader := script(t, filepath.Join(dir, "reader"), `read line < "$2"; echo "$1 $line" >> `+out)
	f, err := openFIFO(FIFOConfig{
		Path: filepath.Join(dir, "fifo"), Script: &Command{Argv: []string{reader, "arg"}, User: me()},
	}, ours(false), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f.write("one\n")
	waitFor(t, out, "arg one\n")
	f.write("two\n") // while it is away
	waitFor(t, out, "arg one\narg two\n")
	f.close(t.Context())
}

func waitFor(t *testing.T, path, want string) {
	t.Helper()
	var text []byte
	for range 1000 {
		if text, _ = os.ReadFile(path); string(text) == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s says %q, want %q", path, text, want)
}

func TestMailWords(t *testing.T) {
	tests := []struct {
		name          string
		report        Report
		notify        Notify
		subject, body string
	}{
		{"master", Report{Instance: "V"}, Notify{NotifyState, Active, 1}, "[R] VRRP Instance V - Entering MASTER state", "=> VRRP Instance is now owning VRRP VIPs <="},
		{"backup", Report{Instance: "V"}, Notify{NotifyState, Backup, 1}, "[R] VRRP Instance V - Entering BACKUP state", "=> VRRP Instance is no longer owning VRRP VIPs <="},
		{"fault", Report{Instance: "V"}, Notify{NotifyState, Fault, 1}, "[R] VRRP Instance V - Entering FAULT state", "=> VRRP Instance is no longer owning VRRP VIPs <="},
		{"no mail for the end", Report{Instance: "V"}, Notify{NotifyStop, Initialize, 1}, "", ""},
		{"gone after a reload", Report{Instance: "V", Deleted: true}, Notify{NotifyStop, Initialize, 1}, "[R] VRRP Instance V - Entering FAULT state", "=> VRRP Instance is no longer owning VRRP VIPs <="},
		{"a group", Report{Group: "G"}, Notify{NotifyState, Active, 0}, "[R] VRRP Group G - Entering MASTER state", "=> All VRRP group instances are now in MASTER state <="},
		{"no mail for priorities", Report{Instance: "V"}, Notify{NotifyPriority, Active, 1}, "", ""},
	}
	for _, test := range tests {
		test.report.Config = &NotifyConfig{Mail: true}
		m, ok := test.report.mailFor(test.notify, "R", false)
		if m.subject != test.subject || m.body != test.body || ok != (test.subject != "") {
			t.Errorf("%s: %q", test.name, m)
		}
		test.report.Config.Mail = false
		if _, ok := test.report.mailFor(test.notify, "R", false); ok {
			t.Errorf("%s: a mail without smtp_alert", test.name)
		}
	}
	gone := Report{Instance: "V", Deleted: true, Config: &NotifyConfig{Mail: true, DeletedState: true}}
	if m, _ := gone.mailFor(Notify{NotifyStop, Initialize, 1}, "R", false); m != (mail{"[R] VRRP Instance V - Deleted", "=> VRRP Deleted at reload <="}) {
		t.Errorf("gone after a reload, with notify_deleted: %q", m)
	}
	fault := Report{Instance: "V", Config: &NotifyConfig{Mail: true}}
	if _, ok := fault.mailFor(Notify{NotifyState, Fault, 1}, "R", true); ok {
		t.Error("a mail for FAULT with no_email_faults")
	}
}

// TestMailAtRest writes no mail about something that begins as BACKUP, and each
// time that it comes back to that.
func TestMailAtRest(t *testing.T) {
	m := &Messenger{begun: map[string]bool{}}
	for i, c := range []struct {
		report Report
		notify Notify
		want   bool
	}{
		{Report{Instance: "V"}, Notify{NotifyPriority, Backup, 1}, false},
		{Report{Instance: "V"}, Notify{NotifyState, Backup, 1}, true},
		{Report{Group: "V"}, Notify{NotifyState, Backup, 0}, true},
		{Report{Instance: "V"}, Notify{NotifyState, Active, 1}, false},
		{Report{Instance: "V"}, Notify{NotifyState, Backup, 1}, false},
		{Report{Instance: "W"}, Notify{NotifyState, Fault, 1}, false},
		{Report{Instance: "W"}, Notify{NotifyState, Backup, 1}, false},
		{Report{Instance: "V", Deleted: true}, Notify{NotifyStop, Initialize, 1}, false},
		{Report{Instance: "V"}, Notify{NotifyState, Backup, 1}, true}, // anew
	} {
		if got := m.atRest(&c.report, c.notify); got != c.want {
			t.Errorf("report %d: %v, want %v", i, got, c.want)
		}
	}
}

// TestMailInjection refuses names and addresses that would be more than one line
// of a header or of the dialogue.
func TestMailInjection(t *testing.T) {
	good := MailConfig{To: []string{"a@b"}, From: "f@h", Helo: "h"}
	for name, change := range map[string]func(*MailConfig, *mail){
		"subject":          func(_ *MailConfig, m *mail) { m.subject = "x\r\nBcc: evil@x" },
		"sender":           func(c *MailConfig, _ *mail) { c.From = "a@b\nBcc: evil@x" },
		"recipient":        func(c *MailConfig, _ *mail) { c.To = []string{"a@b", "c@d\r\nRCPT TO:<evil@x>"} },
		"a NUL in subject": func(_ *MailConfig, m *mail) { m.subject = "x\x00" },
	} {
		c, m := good, mail{"subject", "body"}
		change(&c, &m)
		if text, err := c.message(m, time.Now()); !errors.Is(err, errHeader) {
			t.Errorf("%s: %v, %q", name, err, text)
		}
	}
	for _, bad := range []string{"", "<>", "a b@c", "a@b> SIZE=1 <c@d>x", "a\r@b"} {
		if got, err := envelope(bad); err == nil && strings.ContainsAny(got, " <>\r\n") || bad == "" && err == nil {
			t.Errorf("envelope(%q) = %q", bad, got)
		}
	}
	if got, err := envelope("The Admin <admin@example.com>"); got != "admin@example.com" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// mailServer answers the lines it is sent with its replies, one each, the first
// one before any line. It returns what it was sent.
func mailServer(t *testing.T, replies ...string) (port uint16, sent func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := make(chan string, 1)
	go func() {
		var b strings.Builder
		defer func() { got <- b.String() }()
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		data := false
		for _, reply := range replies {
			if _, err := io.WriteString(conn, reply); err != nil {
				return
			}
			for strings.HasSuffix(reply, "\n") { // or it hangs up
				line, err := r.ReadString('\n')
				b.WriteString(line)
				if err != nil {
					return
				}
				if !data || line == ".\r\n" {
					data = strings.HasPrefix(line, "DATA")
					break
				}
			}
		}
	}()
	_, p, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(p)
	return uint16(n), func() string { return <-got }
}

func TestMailSent(t *testing.T) {
	port, sent := mailServer(t, "220-hello\r\n220 ready\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "251 elsewhere\r\n", "354 go\r\n", "250 queued\r\n", "221 bye\r\n")
	c := MailConfig{
		To: []string{"a@b", "Boss <boss@b>"}, From: "keepalived@h", Server: "127.0.0.1", Port: port, Helo: "h", Timeout: time.Second,
	}
	if err := c.send(t.Context(), mail{"[R] VRRP Instance V - Entering MASTER state", ".body"}); err != nil {
		t.Fatal(err)
	}
	text := sent()
	head, body, _ := strings.Cut(text, "Date: ")
	if want := "HELO h\r\nMAIL FROM:<keepalived@h>\r\nRCPT TO:<a@b>\r\nRCPT TO:<boss@b>\r\nDATA\r\n"; head != want {
		t.Errorf("sent %q, want %q", head, want)
	}
	_, body, _ = strings.Cut(body, "\r\n")
	if want := "From: keepalived@h\r\nSubject: [R] VRRP Instance V - Entering MASTER state\r\nX-Mailer: Keepalived\r\nTo: a@b, Boss <boss@b>\r\n\r\n..body\r\n\r\n.\r\nQUIT\r\n"; body != want {
		t.Errorf("sent %q, want %q", body, want)
	}
}

// TestMailRefused gives up with a server that says no, says too much or nothing
// that makes sense.
func TestMailRefused(t *testing.T) {
	for name, replies := range map[string][]string{
		"not ready":          {"554 no\r\n"},
		"recipient refused":  {"220 x\r\n", "250 x\r\n", "250 x\r\n", "550 who?\r\n"},
		"not SMTP":           {"HTTP/1.1 400 Bad Request\r\n\r\n"},
		"an endless line":    {"220-" + strings.Repeat("x", 2*maxReply)},
		"an endless reply":   {strings.Repeat("220-x\r\n", maxReply)},
		"mail not accepted":  {"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n", "452 full\r\n"},
		"hangs up in answer": {"22"},
	} {
		t.Run(name, func(t *testing.T) {
			port, _ := mailServer(t, replies...)
			c := MailConfig{To: []string{"a@b"}, From: "f@h", Server: "127.0.0.1", Port: port, Helo: "h", Timeout: time.Second}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if err := c.send(ctx, mail{"s", "b"}); err == nil {
				t.Error("the mail counts as sent")
			}
		})
	}
}
