//go:build race

package chaos

// raceFlags has relays look for races when the campaign itself does.
func raceFlags() []string { return []string{"-race"} }
