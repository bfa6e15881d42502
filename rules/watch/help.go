package watch

// helpLines name the keys and the marks, for the screen that h shows.
func helpLines(ascii bool) []Line {
	trend := "▁▃█"
	if ascii {
		trend = ".=#"
	}
	lines := []Line{{"Keys", Title}}
	for _, l := range [...][2]string{
		{"Up Down, k j", "the row before, the next"},
		{"PgUp PgDn", "a screen up, down"},
		{"Home End, g G", "the first row, the last"},
		{"Right Left, > <", "sort by the next column, by the one before"},
		{"r", "sort the other way round"},
		{"/", "show only what contains a text; Enter keeps it, Esc drops it"},
		{"space, Enter", "hide or show the servers of a service"},
		{"c", "hide or show those of all services"},
		{"f", "freeze, and go on"},
		{"Ctrl-L", "draw the screen anew"},
		{"Ctrl-Z", "back to the shell, until fg"},
		{"q, Ctrl-C", "quit"},
		{},
		{"+  -", "a service, its servers hidden or shown"},
		{"2/3", "two of a service's three servers get new connections"},
		{"0  !", "a server of weight 0; one at its upper threshold"},
		{trend, "trend of what is sorted by, else of new connections"},
	} {
		lines = append(lines, Line{"  " + fit(l[0], 17) + l[1], Normal})
	}
	return lines
}

// helpView fills a screen with help.
func helpView(width, height int, ascii bool) []Line {
	lines := helpLines(ascii)
	for len(lines) < height-1 {
		lines = append(lines, Line{})
	}
	lines = append(lines[:max(height-1, 0)], Line{"any key goes back", Faint})
	return fitted(lines, width)
}
