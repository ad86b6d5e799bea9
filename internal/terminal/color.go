package terminal

import "os"

// Palette colors texts by ANSI sequences; without colors it returns them as they are.
type Palette struct{ on bool }

// Colors returns the palette for w: with colors on terminals, and as the environment variables say that users set for all
// programs. The first that decides counts:
//
//	NO_COLOR (not empty)       none                         https://no-color.org
//	CLICOLOR_FORCE (not "0")   colors, in pipes and files too   https://bixense.com/clicolors
//	FORCE_COLOR                the same; none with "0" or "false"
//	CLICOLOR=0                 none
func Colors(w any) Palette {
	on, decided := wanted(os.Getenv)
	return Palette{on: on || !decided && Is(w)}
}

// Forced returns a palette with colors only if the environment asks for them everywhere. It is for output that
// other programs read.
func Forced() Palette {
	on, _ := wanted(os.Getenv)
	return Palette{on: on}
}

// wanted returns what the environment says about colors, and whether it says anything.
func wanted(env func(string) string) (on, decided bool) {
	if env("NO_COLOR") != "" {
		return false, true
	}
	if force := env("CLICOLOR_FORCE"); force != "" && force != "0" {
		return true, true
	}
	if force := env("FORCE_COLOR"); force != "" {
		return force != "0" && force != "false", true
	}
	return false, env("CLICOLOR") == "0"
}

// Bold is for headings.
func (p Palette) Bold(text string) string { return p.paint("1", text) }

// Green is for what is good.
func (p Palette) Green(text string) string { return p.paint("32", text) }

// Yellow is for warnings.
func (p Palette) Yellow(text string) string { return p.paint("33", text) }

// Red is for errors.
func (p Palette) Red(text string) string { return p.paint("31", text) }

func (p Palette) paint(code, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
