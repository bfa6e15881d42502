// Package sample is a package whose tests end in every way a test can end. The
// tests of package uml run them and look at what is reported.
package sample
