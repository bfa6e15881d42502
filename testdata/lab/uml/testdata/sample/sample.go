package sample

// Where says where it was called.
func Where(guest bool) string {
	if guest {
		return "guest"
	}
	return "host"
}
