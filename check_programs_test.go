package main

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// programServer is virtual server n, whose real server is what a MISC_CHECK says.
func programServer(n int, check string) string {
	return fmt.Sprintf("virtual_server 10.1.1.%[1]d 80 {\ndelay_loop 1\nwarmup 0\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\n"+
		"real_server 10.5.0.%[1]d 80 {\n%[2]s\n}\n}\n", n, check)
}

// awaitAlike waits until both kernels have the same for a while.
func awaitAlike(t *testing.T, both [2]*twin, want string) {
	t.Helper()
	var states [2]string
	same := 0
	for range 300 {
		if states = [2]string{both[0].upServers(), both[1].upServers()}; states[0] == want && states[1] == want {
			if same++; same > 20 {
				return
			}
		} else {
			same = 0
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("keepalived has %s, we have %s, want %s", states[0], states[1], want)
}

// upServers are the numbers of the real servers in the kernel's table.
func (w *twin) upServers() string {
	var up []string
	for line := range strings.SplitSeq(w.kernelState(), "\n") {
		if _, real, ok := strings.Cut(line, "} 10.5.0."); ok {
			number, _, _ := strings.Cut(real, ":")
			up = append(up, number)
		}
	}
	return strings.Join(up, " ")
}

// TestCheckPrograms compares who runs the programs of MISC_CHECK, which are refused
// and what becomes of their servers then, and what is left of one that takes too
// long.
func TestCheckPrograms(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		for i, test := range []struct{ globals, up string }{
			{"script_user root\nenable_script_security", "1 2 3 4 5 6"}, {"script_user nobody", "1 2 3 5 6"},
		} {
			var b strings.Builder
			for n, check := range []string{
				"misc_path \"DIR/note default\"",
				"misc_path \"DIR/note nobody\"\nuser nobody",
				"misc_path \"DIR/note group\"\nuser nobody root",
				"misc_path DIR/anyone",
				"misc_path DIR/none",
				"misc_path DIR/plain",
				"misc_path \"DIR/hang\"\nmisc_timeout 1",
			} {
				b.WriteString(programServer(n+1, "MISC_CHECK {\n"+check+"\n}"))
			}
			both := newTwins(t, fmt.Sprint(i), func(w *twin) {
				w.write("anyone", "#!/bin/sh\nexit 1\n", 0o777)
				os.Chmod(w.path("anyone"), 0o777)
				w.write("plain", "#!/bin/sh\nexit 1\n", 0o644)
				w.write("hang", "#!/bin/sh\ntrap '' TERM\nsleep 3456 &\nexec "+w.path("last")+"\n", 0o755)
				w.write("last", "#!/bin/sh\ntrap '' TERM\nsleep 3456\n", 0o755)
			}, "global_defs {\nmax_auto_priority -1\n"+test.globals+"\n}\n"+b.String())
			awaitAlike(t, both, test.up)
			// It is begun again and again; in between nothing is left of it.
			eventually(t, "a program that takes too long", func() bool { return runs(both[1].path("last")) })
			eventually(t, "its end", func() bool { return !runs(both[1].path("last")) })
			users := [2][]string{}
			for j, w := range both {
				w.takePrograms()
				for _, line := range w.takeTold()[2].told {
					who, _, _ := strings.Cut(line, "|")
					if len(users[j]) == 0 || users[j][len(users[j])-1] != who {
						users[j] = append(users[j], who)
					}
				}
				w.Stop()
			}
			if fmt.Sprint(users[0]) != fmt.Sprint(users[1]) || len(users[1]) != 3 {
				t.Errorf("%s: keepalived runs %q, we run %q", test.globals, users[0], users[1])
			}
		}
	})
}

// TestCheckClientCertificate has servers that ask for a certificate of the client.
func TestCheckClientCertificate(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		pair, files := clientCertificate(t)
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		trusted := x509.NewCertPool()
		trusted.AddCert(leaf)
		configs := []*tls.Config{
			{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12},
			{ClientAuth: tls.RequireAnyClientCert},
			{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted},
			{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(), MaxVersion: tls.VersionTLS12},
			{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()},
			{},
		}
		var b strings.Builder
		for n := range configs {
			configs[n].Certificates = []tls.Certificate{pair}
			b.WriteString(programServer(n+1, "SSL_GET {\nurl {\npath /\nstatus_code 200\n}\nconnect_timeout 3\nretry 1\ndelay_before_retry 1\n}"))
		}
		for i, test := range []struct{ ssl, want string }{
			{"SSL {\ncertificate DIR/client.pem\nkey DIR/client.key\nca DIR/client.pem\n}\n", "1 2 3 6"},
			{"SSL {\ncertificate DIR/client.pem\nkey DIR/locked.key\npassword sesame\n}\n", "1 2 3 6"},
			{"SSL {\ncertificate DIR/client.pem\nkey DIR/old.key\npassword sesame\n}\n", "1 2 3 6"},
			{"SSL {\ncertificate DIR/client.pem\nkey DIR/locked.key\npassword simsim\n}\n", ""},
			{"SSL {\ncertificate DIR/client.pem\nkey DIR/locked.key\n}\n", ""},
			{"", "6"},
		} {
			both := newTwins(t, fmt.Sprint(i), func(w *twin) {
				for name, text := range files {
					w.write(name, text, 0o600)
				}
				for n, c := range configs {
					run(t, w.NS, fmt.Sprintf("ip addr add 10.5.0.%d/32 dev lo", n+1))
					w.up(fmt.Sprintf("10.5.0.%d:80", n+1), func(conn net.Conn) {
						s := tls.Server(conn, c)
						s.Read(make([]byte, 4096))
						fmt.Fprint(s, "HTTP/1.0 200 OK\r\n\r\nhello\n")
						s.Close()
					})
				}
			}, "global_defs {\nmax_auto_priority -1\n}\n"+test.ssl+b.String())
			awaitAlike(t, both, test.want)
			for _, w := range both { // without its key none goes on
				if w.Running() != (test.want != "") {
					t.Errorf("%s with %s: it runs: %v", w.Name, test.ssl, w.Running())
				}
			}
			both[0].Stop()
			both[1].Stop()
		}
	})
}

// clientCertificate makes a certificate and its files. locked.key has the password
// sesame, as OpenSSL writes it now, and old.key as it did long ago.
func clientCertificate(t *testing.T) (tls.Certificate, map[string]string) {
	t.Helper()
	files := map[string]string{}
	for name, from := range map[string]string{"client.key": "plain", "locked.key": "aes-256-cbc", "old.key": "traditional"} {
		text, err := os.ReadFile("check/probe/testdata/keys/" + from + ".key")
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	block, _ := pem.Decode([]byte(files["client.key"]))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.(crypto.Signer).Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	files["client.pem"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, files
}

// runs says whether a process has a word in its command line.
func runs(word string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	return slices.ContainsFunc(files, func(f string) bool {
		line, err := os.ReadFile(f)
		return err == nil && strings.Contains(string(line), word)
	})
}
