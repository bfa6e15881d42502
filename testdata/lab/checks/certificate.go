package checks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"sync"
	"time"
)

// certificate makes a certificate for a name, signed by itself, that ends at a time.
func certificate(key crypto.Signer, name string, end time.Time) *tls.Config {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: end.Add(-24 * time.Hour), NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err) // the template is ours
	}
	return &tls.Config{MinVersion: tls.VersionTLS10, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// selfSigned is a certificate that is good but for its signature.
var selfSigned = sync.OnceValue(func() *tls.Config {
	return certificate(elliptic256(), "server.test", time.Now().Add(24*time.Hour))
})

var expired = sync.OnceValue(func() *tls.Config {
	return certificate(elliptic256(), "server.test", time.Now().Add(-24*time.Hour))
})

var rsa2048 = sync.OnceValue(func() *tls.Config {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return certificate(key, "server.test", time.Now().Add(24*time.Hour))
})

func elliptic256() crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// versions takes only these versions of TLS.
func versions(least, most uint16) *tls.Config {
	c := rsa2048().Clone()
	c.MinVersion, c.MaxVersion = least, most
	return c
}

// ciphers takes only one suite of TLS 1.2.
func ciphers(suite uint16) *tls.Config {
	c := versions(tls.VersionTLS12, tls.VersionTLS12)
	c.CipherSuites = []uint16{suite}
	return c
}

// named by SNI: without the name there is no handshake.
func onlyFor(name string) *tls.Config {
	c := selfSigned().Clone()
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if hello.ServerName != name {
			return nil, errors.New("unknown name")
		}
		return nil, nil
	}
	return c
}

// wantsCertificate asks the client for a certificate, and hangs up without one.
func wantsCertificate() *tls.Config {
	c := versions(tls.VersionTLS12, tls.VersionTLS12)
	c.ClientAuth = tls.RequireAnyClientCert
	return c
}
