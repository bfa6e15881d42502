package checks

import "crypto/tls"

// ssl is an SSL_GET of one url.
func ssl(more string) string { return get("SSL_GET", "path /;"+ok, more) }

func tlsCases() []Case {
	good := status(200)
	secure := func(c *tls.Config) Behaviour { return tcp(over(c, good)) }
	return []Case{
		one("tls 200, then 500", ssl(""), up, down, secure(selfSigned()), tcp(over(selfSigned(), status(500)))),
		one("tls self-signed", ssl(""), up, "", secure(selfSigned())),
		one("tls expired", ssl(""), up, "", secure(expired())),
		one("tls RSA", ssl(""), up, "", secure(rsa2048())),
		one("tls 1.3 only", ssl(""), up, "", secure(versions(tls.VersionTLS13, tls.VersionTLS13))),
		one("tls 1.2 only", ssl(""), up, "", secure(versions(tls.VersionTLS12, tls.VersionTLS12))),
		one("tls 1.1 only", ssl(""), down, up, secure(versions(tls.VersionTLS11, tls.VersionTLS11)), secure(rsa2048())),
		one("tls 1.0 only", ssl(""), down, "", secure(versions(tls.VersionTLS10, tls.VersionTLS10))),
		one("tls without forward secrecy", ssl(""), up, "", secure(ciphers(tls.TLS_RSA_WITH_AES_128_GCM_SHA256))),
		one("tls with CBC", ssl(""), up, "", secure(ciphers(tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA))),
		one("tls with 3DES", ssl(""), down, "", secure(ciphers(tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA))),
		one("tls wants a name, gets none", ssl(""), down, "", secure(onlyFor("www.test"))),
		one("tls wants a name, gets it", ssl("enable_sni\nvirtualhost www.test\n"), up, down, secure(onlyFor("www.test")), secure(onlyFor("other.test"))),
		one("tls wants a name, gets that of the url", get("SSL_GET", "path /;virtualhost www.test;"+ok, "enable_sni\n"), up, "", secure(onlyFor("www.test"))),
		one("tls wants a name, gets that of the virtual server", ssl("enable_sni\n"), up, "", secure(onlyFor("www.test"))).with("virtualhost www.test"),
		one("tls wants a name, gets that of the real server", "virtualhost www.test\n"+ssl("enable_sni\n"), down, "", secure(onlyFor("www.test"))).differently("server-name", up, ""),
		one("tls wants a client's certificate", ssl(""), down, "", secure(wantsCertificate())),
		one("tls port speaks plain HTTP", ssl(""), down, up, tcp(blurts(page(400, "speak plainly\n"))), secure(selfSigned())),
		one("plain port speaks TLS", http(ok), down, up, secure(selfSigned()), tcp(good)),
		one("tls port is silent", ssl(""), anything, "", tcp(accepts)).hasty().differently("tls-silence", down, ""),
		one("tls port closes", ssl(""), down, "", tcp(closes)),
		one("tls port resets", ssl(""), down, "", tcp(resets)),
		one("tls garbage", ssl(""), down, "", tcp(mail("220 I am a mail server, and long enough for a record\r\n"))),
		one("tls without close_notify", ssl(""), up, "", tcp(rudely(selfSigned(), good))),
		one("tls digest without close_notify", get("SSL_GET", "path /;"+md5sum(hello), ""), up, "", tcp(rudely(selfSigned(), body(hello)))),
		one("tls digest", get("SSL_GET", "path /;"+md5sum(hello), ""), up, down, tcp(over(selfSigned(), body(hello))), tcp(over(selfSigned(), body("")))),
	}
}
