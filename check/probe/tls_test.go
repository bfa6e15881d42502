package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ipvsadm/check"
)

// selfSigned is a certificate that expired long ago, for nobody's name.
func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nobody"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secure serves over TLS. serve gets the connection below as well.
func secure(config *tls.Config, serve func(*tls.Conn, net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		s := tls.Server(c, config)
		if s.Handshake() == nil {
			serve(s, c)
		}
	}
}

// answers answers over TLS and then goes on.
func answers(text string, then func(*tls.Conn, net.Conn)) func(*tls.Conn, net.Conn) {
	return func(s *tls.Conn, c net.Conn) {
		readRequest(s)
		io.WriteString(s, text)
		then(s, c)
	}
}

func politely(s *tls.Conn, _ net.Conn) { s.Close() }
func abruptly(*tls.Conn, net.Conn)     {}

// TestTLS says where keepalived 2.2.7, which was asked, has another verdict.
func TestTLS(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	old := config.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	tls12 := config.Clone()
	tls12.MaxVersion = tls.VersionTLS12
	plainRSA := tls12.Clone()
	plainRSA.Certificates, plainRSA.CipherSuites = []tls.Certificate{rsaCertificate(t)}, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
	client := config.Clone()
	client.ClientAuth = tls.RequireAnyClientCert
	for _, c := range []struct {
		name      string
		timeout   time.Duration
		compliant bool
		serve     func(net.Conn)
		verdict   check.Verdict
		reason    string
	}{
		{"a certificate of nobody, long expired", patient, false, secure(config, answers(ok+"\r\nhello", politely)), check.Pass, ""},
		{"TLS 1.2", patient, false, secure(tls12, answers(ok+"\r\nhello", politely)), check.Pass, ""},
		{"TLS 1.2 with RSA keys and CBC", patient, false, secure(plainRSA, answers(ok+"\r\nhello", politely)), check.Pass, ""},
		{"TLS 1.1", patient, false, secure(old, answers(ok+"\r\nhello", politely)), check.Fail, "SSL handshake/communication error"},
		{"a status", patient, false, secure(config, answers("HTTP/1.1 404 x\r\n\r\n", politely)), check.Fail, "status_code [404]"},
		{"no close_notify", patient, false, secure(config, answers(ok+"\r\nhello", abruptly)), check.Pass, ""},
		{"no close_notify, where it has to be", patient, true, secure(config, answers(ok+"\r\nhello", abruptly)), check.Fail, "SSL read error: unexpected EOF"},
		{"close_notify, where it has to be", patient, true, secure(config, answers(ok+"\r\nhello", politely)), check.Pass, ""},
		{"a reset after the page", patient, false, secure(config, answers(ok+"\r\nhello", func(_ *tls.Conn, c net.Conn) { reset(c) })), check.Pass, ""},
		{"a reset before the page", patient, false, secure(config, answers("", func(_ *tls.Conn, c net.Conn) { reset(c) })), check.Fail, "Read, no data received"},
		{"no page", patient, false, secure(config, answers("", politely)), check.Fail, "Read, no data received"},
		{"no end", hasty, false, secure(config, answers(ok+"\r\nhello", func(_ *tls.Conn, c net.Conn) { hang(c) })), check.Fail, "Timeout SSL read"},
		{"no TLS", patient, false, func(c net.Conn) { io.WriteString(c, "this is no TLS\r\n") }, check.Fail, "SSL handshake/communication error"},
		{"HTTP", patient, false, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, check.Fail, "SSL handshake/communication error"},
		{"half a handshake", hasty, false, func(c net.Conn) { io.WriteString(c, "\x16\x03\x03\x40\x00\x02"); hang(c) }, check.Fail, "Timeout connecting"},
		{"a handshake of 16 MB", patient, false, func(c net.Conn) {
			io.WriteString(c, "\x16\x03\x03\x40\x00\x02\xff\xff\xff"+strings.Repeat("x", 1<<14-4))
			for {
				if _, err := io.WriteString(c, "\x16\x03\x03\x40\x00"+strings.Repeat("x", 1<<14)); err != nil {
					return
				}
			}
		}, check.Fail, "SSL handshake/communication error"},
		{"an alert", patient, false, func(c net.Conn) { io.WriteString(c, "\x15\x03\x03\x00\x02\x02\x28") }, check.Fail, "SSL handshake/communication error"},
		{"alerts without end", patient, false, func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "\x15\x03\x03\x00\x02\x01\x5a"); err != nil {
					return
				}
			}
		}, check.Fail, "SSL handshake/communication error"},
		{"a client without a certificate", patient, false, secure(client, answers(ok+"\r\nhello", politely)), check.Fail, ""},
		{"an end at once", patient, false, func(net.Conn) {}, check.Fail, "SSL handshake/communication error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := check.HTTPConfig{Endpoint: endpoint(listen(t, c.serve), c.timeout), TLS: true, Compliant: c.compliant, URLs: []check.URLConfig{url()}}
			want(t, run(t, p, Options{}), c.verdict, c.reason)
		})
	}
}

func rsaCertificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestTLSOffer is what the server is offered: no HTTP/2, and a name if it is wanted.
func TestTLSOffer(t *testing.T) {
	for _, c := range []struct {
		name        string
		sni         bool
		host, other string
		want        string
	}{
		{"no name", false, "www.example.com", "", ""},
		{"the virtual host", true, "www.example.com", "", "www.example.com"},
		{"another name", true, "www.example.com", "other.example.com", "other.example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			offered := make(chan *tls.ClientHelloInfo, 1)
			config := &tls.Config{NextProtos: []string{"h2"}, Certificates: []tls.Certificate{selfSigned(t)}}
			config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
				offered <- h
				return nil, nil
			}
			u := url()
			u.VirtualHost = c.host
			p := check.HTTPConfig{
				Endpoint: endpoint(listen(t, secure(config, answers(ok+"\r\n", politely))), patient),
				TLS:      true, SNI: c.sni, ServerName: c.other, URLs: []check.URLConfig{u},
			}
			want(t, run(t, p, Options{}), check.Pass, "")
			if h := <-offered; h.ServerName != c.want || len(h.SupportedProtos) != 0 {
				t.Errorf("offered the name %q and protocols %v, want %q and none", h.ServerName, h.SupportedProtos, c.want)
			}
		})
	}
}

// TestTLSFiles has the client's certificate read from files.
func TestTLSFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, blocks ...*pem.Block) string {
		var text []byte
		for _, b := range blocks {
			text = append(text, pem.EncodeToMemory(b)...)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pair := selfSigned(t)
	der, err := x509.MarshalECPrivateKey(pair.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 keys of this kind can be read, so they are tested
	locked, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", der, []byte("sesame"), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	certificate := &pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}
	key := &pem.Block{Type: "EC PRIVATE KEY", Bytes: der}
	cert, open, lock := write("cert", certificate), write("key", key), write("locked", locked)
	both, pkcs8 := write("both", certificate, key), write("pkcs8", &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})

	for _, c := range []struct {
		name  string
		files check.TLSConfig
		err   string
	}{
		{"certificate and key", check.TLSConfig{Certificate: cert, Key: open}, ""},
		{"both in one file", check.TLSConfig{Certificate: both}, ""},
		{"both in the key's file", check.TLSConfig{Key: both, CA: cert}, ""},
		{"a key with a password", check.TLSConfig{Certificate: cert, Key: lock, Password: "sesame"}, ""},
		{"the wrong password", check.TLSConfig{Certificate: cert, Key: lock, Password: "simsim"}, "SSL_GET: key: x509: "},
		{"a password of a kind that cannot be read", check.TLSConfig{Certificate: cert, Key: pkcs8}, "cannot be read"},
		{"no such file", check.TLSConfig{Certificate: dir + "/none"}, "SSL_GET: certificate: open "},
		{"no key", check.TLSConfig{Certificate: cert}, "SSL_GET: certificate " + cert},
		{"a ca that is none", check.TLSConfig{CA: open}, "there is no certificate in it"},
		{"a ca that is not there", check.TLSConfig{CA: dir + "/none"}, "SSL_GET: ca: open "},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert}
			p := check.HTTPConfig{
				Endpoint: endpoint(listen(t, secure(config, answers(ok+"\r\n", politely))), patient),
				TLS:      true, URLs: []check.URLConfig{url()},
			}
			if c.err == "" {
				want(t, run(t, p, Options{TLS: c.files}), check.Pass, "")
				return
			}
			_, err := New(p, Options{TLS: c.files})
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v, want …%s…", err, c.err)
			} else if c.files.Password != "" && strings.Contains(err.Error(), string(c.files.Password)) {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}
