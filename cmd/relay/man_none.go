//go:build !man

package main

import "github.com/spf13/cobra"

// extraCommands are those of special builds.
func extraCommands() []*cobra.Command { return nil }
