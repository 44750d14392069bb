// Package config is the relay's one YAML file: its keys and defaults, where each value came from (flag, environment
// variable, file or default, in this order), and what is wrong with it, with line, column and caret.
//
// Nothing is ignored: unknown, duplicate and not yet built keys are errors, and so is a value without its unit. A
// secret is never held, printed or quoted in an error: the file names where it is kept, and it is read when it is used.
//
// The package knows keys, not what they do, and connects to nothing. Of Relay's it imports the form of errors and package
// outbox, which judges its own part (Mapping). Translating a Config for the other packages is the command's business.
package config
