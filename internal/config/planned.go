package config

// plannedKeys are keys that the documentation of the configuration knows and this version does not obey. Ignoring one
// would be a promise that is not kept, so using one is an error that says so. A section stands for all its keys.
func plannedKeys() []string {
	return []string{
		"kafka.tls",
		"kafka.sasl",
	}
}

// plannedValues are values of built keys that this version does not obey.
func plannedValues(path string) []string {
	switch path {
	case "outbox.format":
		return []string{"eventuate", "brighter", "masstransit", "cap"}
	}
	return nil
}

func isPlanned(path string) bool {
	for _, key := range plannedKeys() {
		if path == key || isBelow(path, key) {
			return true
		}
	}
	return false
}
