// Package sample is a package whose tests end in every way a test can end. The
// tests of package uml run them and look at what is reported.
package sample

// Where says where it was called.
func Where(guest bool) string {
	if guest {
		return "guest"
	}
	return "host"
}
