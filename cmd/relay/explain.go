package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/docs"
	"github.com/outbox-relay/relay/internal/fault"
)

// explanation is what an error code means, as a document.
type explanation struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Code       string `json:"code"`
	Title      string `json:"title"`
	ExitCode   int    `json:"exitCode"`
	Page       string `json:"page"` // Markdown
}

func newCmdExplain(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Explain an error code",
		Long: `Print what an error code means, why Relay stops there and what to do: the page that is also in the documentation.
Without a code, list all codes.`,
		Example:           "  relay explain RLY1003\n  relay explain",
		Args:              atMostOne,
		ValidArgsFunction: cobra.FixedCompletions(docs.ErrorCodes(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, "text", "json", "yaml")
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return a.listCodes(format)
			}
			e, err := explain(args[0])
			if err != nil {
				return usageError(cmd, "%s", err)
			}
			if format != "text" {
				return writeDocument(a.out, format, e)
			}
			_, err = io.WriteString(a.out, e.Page)
			return err
		},
	}
	exits(cmd, fault.ExitDone)
	return cmd
}

// explain takes a code as it is printed, or as people type it: rly1003, 1003.
func explain(name string) (explanation, error) {
	text := strings.ToUpper(name)
	if !strings.HasPrefix(text, "RLY") {
		text = "RLY" + text
	}
	var code fault.Code
	if err := code.UnmarshalText([]byte(text)); err != nil {
		return explanation{}, fmt.Errorf("%q is not an error code: they look like RLY1003", name)
	}
	page, err := docs.ErrorPage(code.String())
	if err != nil {
		return explanation{}, fmt.Errorf("there is no error code %s; `relay explain` lists them", code)
	}
	return explanation{
		APIVersion: "relay/v1", Kind: "Explanation", Code: code.String(), Title: pageTitle(page), ExitCode: code.Exit(), Page: page,
	}, nil
}

// pageTitle is the heading of a page without the code.
func pageTitle(page string) string {
	line, _, _ := strings.Cut(page, "\n")
	_, title, _ := strings.Cut(line, ": ")
	return title
}

// codeList are all explanations, as a document.
type codeList struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Items      []explanation `json:"items"`
}

func (a *app) listCodes(format string) error {
	list := codeList{APIVersion: "relay/v1", Kind: "ExplanationList"}
	for _, code := range docs.ErrorCodes() {
		e, err := explain(code)
		if err != nil {
			return err
		}
		list.Items = append(list.Items, e)
	}
	if format != "text" {
		return writeDocument(a.out, format, list)
	}
	w := bufio.NewWriter(a.out)
	if !a.flags.noHeaders {
		fmt.Fprintln(w, "CODE     EXIT  MEANING")
	}
	for _, e := range list.Items {
		fmt.Fprintf(w, "%s  %-4d  %s\n", e.Code, e.ExitCode, e.Title)
	}
	return w.Flush()
}
