package probe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"hash"

	"ipvsadm/check"
)

// decrypt takes the password off a key in PEM, if it has one.
func decrypt(text []byte, password check.Secret) ([]byte, error) {
	for rest := text; ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		switch {
		case block == nil:
			return text, nil
		case block.Type == "ENCRYPTED PRIVATE KEY":
			der, err := decryptPKCS8(block.Bytes, string(password))
			if err != nil {
				return nil, err
			}
			return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
		//lint:ignore SA1019 OpenSSL's older kind of encrypted key, which many have
		case x509.IsEncryptedPEMBlock(block):
			//lint:ignore SA1019 as above
			der, err := x509.DecryptPEMBlock(block, []byte(password))
			if err != nil {
				return nil, err
			}
			return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), nil
		}
	}
}

// encryptedKey is the EncryptedPrivateKeyInfo of RFC 5958, section 3.
type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// pbes2 are the parameters of RFC 8018, appendix A.4.
type pbes2 struct{ Derivation, Cipher pkix.AlgorithmIdentifier }

// pbkdf2Params are those of RFC 8018, appendix A.2. Without PRF it is HMAC with SHA-1.
type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	Length     int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// mostIterations is how often a hash is repeated at most: OpenSSL does it 2048
// times, others up to a million times, and more would only hold up the start.
const mostIterations = 10_000_000

var errScheme = errors.New("it is encrypted in a way that cannot be read: write it anew with openssl pkey -aes256")

// decryptPKCS8 decrypts what OpenSSL writes since version 1.0 for a key with a
// password: PBES2 with PBKDF2, RFC 8018, section 6.2.
func decryptPKCS8(der []byte, password string) ([]byte, error) {
	var key encryptedKey
	var scheme pbes2
	var derive pbkdf2Params
	var iv []byte
	if !unmarshal(der, &key) || key.Algorithm.Algorithm.String() != "1.2.840.113549.1.5.13" ||
		!unmarshal(key.Algorithm.Parameters.FullBytes, &scheme) || scheme.Derivation.Algorithm.String() != "1.2.840.113549.1.5.12" ||
		!unmarshal(scheme.Derivation.Parameters.FullBytes, &derive) || !unmarshal(scheme.Cipher.Parameters.FullBytes, &iv) ||
		derive.Iterations < 1 || derive.Iterations > mostIterations {
		return nil, errScheme
	}
	digest := keyDigest(derive.PRF.Algorithm.String())
	block, length := keyCipher(scheme.Cipher.Algorithm.String())
	if digest == nil || block == nil {
		return nil, errScheme
	}
	secret, err := pbkdf2.Key(digest, password, derive.Salt, derive.Iterations, length)
	if err != nil {
		return nil, err
	}
	c, err := block(secret)
	if err != nil {
		return nil, err
	}
	if len(iv) != c.BlockSize() || len(key.Data) == 0 || len(key.Data)%c.BlockSize() != 0 {
		return nil, errScheme
	}
	cipher.NewCBCDecrypter(c, iv).CryptBlocks(key.Data, key.Data)
	// With another password there is hardly ever padding at the end, and never a key.
	padding := int(key.Data[len(key.Data)-1])
	if padding < 1 || padding > c.BlockSize() {
		return nil, x509.IncorrectPasswordError
	}
	clear := key.Data[:len(key.Data)-padding]
	if _, err := x509.ParsePKCS8PrivateKey(clear); err != nil {
		return nil, x509.IncorrectPasswordError
	}
	return clear, nil
}

// unmarshal reads DER, all of it.
func unmarshal(der []byte, to any) bool {
	rest, err := asn1.Unmarshal(der, to)
	return err == nil && len(rest) == 0
}

// keyDigest is the hash of an HMAC of RFC 8018, appendix B.1.2, nil for an unknown one.
func keyDigest(id string) func() hash.Hash {
	switch id {
	case "", "1.2.840.113549.2.7":
		return sha1.New
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	}
	return nil
}

// keyCipher is a block cipher used with CBC and the length of its key, of RFC 8018,
// appendix B.2; nil for an unknown one.
func keyCipher(id string) (func(key []byte) (cipher.Block, error), int) {
	switch id {
	case "2.16.840.1.101.3.4.1.2":
		return aes.NewCipher, 16
	case "2.16.840.1.101.3.4.1.22":
		return aes.NewCipher, 24
	case "2.16.840.1.101.3.4.1.42":
		return aes.NewCipher, 32
	case "1.2.840.113549.3.7":
		return des.NewTripleDESCipher, 24
	}
	return nil, 0
}
