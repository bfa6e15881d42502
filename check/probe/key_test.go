package probe

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"ipvsadm/check"
)

// TestDecrypt reads one key that OpenSSL has encrypted in many ways, with the
// password sesame.
func TestDecrypt(t *testing.T) {
	plain := readKey(t, "plain", "")
	for _, name := range []string{"aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3", "traditional"} {
		if got := readKey(t, name, "sesame"); !reflect.DeepEqual(got, plain) {
			t.Errorf("%s: another key", name)
		}
		for _, password := range []check.Secret{"", "simsim", "sesame "} {
			if _, err := decrypt(keyFile(t, name), password); !errors.Is(err, x509.IncorrectPasswordError) {
				t.Errorf("%s with password %q: %v", name, string(password), err)
			}
		}
	}
	for _, name := range []string{"scrypt", "pbes1"} {
		if _, err := decrypt(keyFile(t, name), "sesame"); !errors.Is(err, errScheme) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDecryptDamaged has each byte of an encrypted key damaged in turn, which
// breaks nothing, and each end of it missing, which is refused.
func TestDecryptDamaged(t *testing.T) {
	block, _ := pem.Decode(keyFile(t, "aes-256-cbc"))
	for i := range block.Bytes {
		damaged := bytes.Clone(block.Bytes)
		damaged[i] ^= 0x55
		decryptPKCS8(damaged, "sesame")
		if _, err := decryptPKCS8(bytes.Clone(block.Bytes[:i]), "sesame"); err == nil {
			t.Errorf("the first %d bytes are taken for a key", i)
		}
	}
}

func keyFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "keys", name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// readKey is the key of a file without its password.
func readKey(t *testing.T, name string, password check.Secret) any {
	t.Helper()
	text, err := decrypt(keyFile(t, name), password)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	block, _ := pem.Decode(text)
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return key
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return key
}
