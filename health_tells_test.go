package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// TestCheckTells has a FIFO, programs, a mail server, a file and a program that
// decide: all that happens is told to each, and in time.
func TestCheckTells(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		a := newBackend(t, "127.0.0.2:8080")
		mails := mailServer(t, "127.0.0.1:25")
		const config = `global_defs {
  router_id R1
  enable_script_security
  script_user root
  lvs_notify_fifo DIR/fifo
  lvs_timeouts udp 77
  notification_email {
    ops@example.com
  }
  smtp_server 127.0.0.1
}
track_file load {
  file DIR/load
}
virtual_server 10.1.1.1 80 {
  delay_loop 0.2
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  quorum_down "/bin/sh DIR/tell quorum"
  real_server 127.0.0.2 8080 {
    notify_down "/bin/sh DIR/tell down"
    smtp_alert
    TCP_CHECK {
      connect_timeout 1
      retry 0
    }
  }
}
virtual_server 10.1.1.2 80 {
  delay_loop 3600
  warmup 0
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  real_server 127.0.0.2 8080 {
    weight 10
    FILE_CHECK {
      track_file load
      weight 2
    }
  }
  real_server 127.0.0.3 8080 {
    MISC_CHECK {
      misc_path "/bin/sh -c 'exit 7'"
      misc_dynamic
    }
  }
}
`
		fifo := make(chan string, 100)
		p := launch(t, "check", config)
		if err := os.WriteFile(p.at("tell"), []byte("echo $1 >> "+p.at("told")+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(p.at("fifo"), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		go func() {
			for s := bufio.NewScanner(f); s.Scan(); {
				fifo <- s.Text()
			}
		}()
		if timeouts, err := openKernel(t).Timeouts(); err != nil || timeouts.UDP != 77*time.Second {
			t.Errorf("timeouts %+v, %v", timeouts, err)
		}
		const second = "-A -t 10.1.1.2:80 -s rr\n-a -t 10.1.1.2:80 -r 127.0.0.2:8080 -m -w %d\n-a -t 10.1.1.2:80 -r 127.0.0.3:8080 -m -w 5\n"
		const first = "-A -t 10.1.1.1:80 -s rr\n"
		const real = "-a -t 10.1.1.1:80 -r 127.0.0.2:8080 -m -w 1\n"
		awaitTable(t, "without a file", first+real+fmt.Sprintf(second, 10))
		if err := os.WriteFile(p.at("load"), []byte("3\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		awaitTable(t, "with a file", first+real+fmt.Sprintf(second, 16))
		a.down()
		awaitTable(t, "a server is dead", first+fmt.Sprintf(second, 16))
		eventually(t, "the programs", func() bool {
			told, _ := os.ReadFile(p.at("told"))
			return strings.Contains(string(told), "down\n") && strings.Contains(string(told), "quorum\n")
		})
		for _, want := range []string{
			"VS [10.1.1.1]:tcp:80 UP", "VS [10.1.1.2]:tcp:80 UP", "RS [127.0.0.2]:tcp:8080 [10.1.1.1]:tcp:80 DOWN", "VS [10.1.1.1]:tcp:80 DOWN",
		} {
			select {
			case got := <-fifo:
				if got != want {
					t.Errorf("the FIFO has %q, want %q", got, want)
				}
			case <-time.After(10 * time.Second):
				t.Errorf("the FIFO lacks %q", want)
			}
		}
		select {
		case mail := <-mails:
			if !strings.Contains(mail, "Subject: [R1] Realserver [127.0.0.2]:tcp:8080 of virtual server [10.1.1.1]:tcp:80 - DOWN") ||
				!strings.Contains(mail, "=> TCP CHECK failed on service <=") {
				t.Errorf("a mail: %s", mail)
			}
		case <-time.After(10 * time.Second):
			t.Error("no mail came")
		}
		p.stop()
	})
}

// mailServer takes mails.
func mailServer(t *testing.T, addr string) <-chan string {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	mails := make(chan string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go takeMail(c, mails)
		}
	}()
	return mails
}

func takeMail(c net.Conn, mails chan<- string) {
	defer c.Close()
	r, text, data := bufio.NewScanner(c), "", false
	fmt.Fprint(c, "220 hello\r\n")
	for r.Scan() {
		line := r.Text()
		switch {
		case data && line == ".":
			mails <- text
			data = false
			fmt.Fprint(c, "250 taken\r\n")
		case data:
			text += line + "\n"
		case line == "DATA":
			data = true
			fmt.Fprint(c, "354 go on\r\n")
		case line == "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			fmt.Fprint(c, "250 fine\r\n")
		}
	}
}
