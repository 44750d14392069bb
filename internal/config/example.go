package config

import _ "embed"

//go:embed example.yaml
var example string

// Example is a file with every key, its meaning and its default.
func Example() string { return example }
