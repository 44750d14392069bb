package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const envPrefix = "RELAY_"

// ConfigVariable names the file when no flag does.
const ConfigVariable = envPrefix + "CONFIG"

// applyEnv lays the RELAY_* variables over the fields. Every key has one: kafka.brokers is RELAY_KAFKA_BROKERS. A
// variable that is set to nothing is set: RELAY_SERVER_LISTEN= turns the server off.
//
// Inside the name space of a section (RELAY_KAFKA_...) an unknown variable is an error, for nobody else would set it;
// elsewhere a warning. Variables that Kubernetes makes for a Service named relay or relay-kafka are neither.
func applyEnv(environ []string, fs []field, origins map[string]Origin) (problems []Problem, warnings []string) {
	known := map[string]field{}
	for _, f := range fs {
		known[f.env()] = f
	}
	for _, assignment := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(assignment, "=")
		if !strings.HasPrefix(name, envPrefix) || name == ConfigVariable {
			continue
		}
		f, ok := known[name]
		if !ok {
			problem, warning := unknownVariable(name, fs)
			problems = append(problems, problem...)
			warnings = append(warnings, warning...)
			continue
		}
		if err := decodeText(f.target, value); err != nil {
			problems = append(problems, Problem{Path: f.path, Where: name, Text: fmt.Sprintf("%s: %s", f.path, err)})
			continue
		}
		origins[f.path] = Origin{Source: name}
	}
	return problems, warnings
}

func unknownVariable(name string, fs []field) ([]Problem, []string) {
	if isServiceLink(name) {
		return nil, nil
	}
	for _, key := range plannedKeys() {
		variable := field{path: key}.env()
		if name == variable || strings.HasPrefix(name, variable+"_") {
			return []Problem{{Path: key, Where: name, Text: fmt.Sprintf("key %q is not implemented yet; remove the variable", key)}}, nil
		}
	}
	text := "no key has this variable" + similarVariable(name, fs)
	for _, f := range fs {
		section, _, nested := strings.Cut(f.path, ".")
		if nested && strings.HasPrefix(name, field{path: section}.env()+"_") {
			return []Problem{{Where: name, Text: text}}, nil
		}
	}
	return nil, []string{"variable " + name + " is ignored: " + text}
}

func similarVariable(name string, fs []field) string {
	for _, f := range fs {
		if distance(f.env(), name) <= 2 {
			return "; did you mean " + f.env() + "?"
		}
	}
	return ""
}

// isServiceLink knows the variables that Kubernetes gives every pod for each Service of its name space, as
// RELAY_SERVICE_HOST and RELAY_PORT_9680_TCP_ADDR.
func isServiceLink(name string) bool {
	return regexp.MustCompile(`^RELAY(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`).
		MatchString(name)
}
