// Package config is the relay's one YAML file: its keys and defaults, where each value came from (flag, environment
// variable, file or default, in this order), and what is wrong with it, with line, column and caret.
//
// Nothing is ignored: unknown, duplicate and not yet built keys are errors, and so is a value without its unit. A
// secret is never held, printed or quoted in an error: the file names where it is kept, and it is read when it is used.
//
// The package knows keys, not what they do: it imports nothing of Relay's but the form of errors, and connects to
// nothing. Translating a Config for the packages that work with it is the command's business.
package config
