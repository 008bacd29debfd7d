// Greets in several languages.
package main

import (
	"fmt"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

func main() {
	for _, tag := range []language.Tag{language.English, language.Dutch, language.Turkish} {
		fmt.Println(tag, cases.Title(tag).String("hello, ijsland and istanbul"))
	}
}
