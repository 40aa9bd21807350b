// Text as a terminal may show it: names come from files, and a control character in one would move the cursor, change colours or rewrite the title.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace morula {

/// `text` with every control character written out, for instance "\x1b" (a backslash, an x, two digits): those below a blank but for tab and line feed, DEL, U+0080 to U+009F (terminals obey
/// them too), the marks that turn the direction of writing around (U+202A to U+202E, U+2066 to U+2069, as "\u202e"), and bytes that are no UTF-8. All else stays as it is.
std::string printable(std::string_view text);

/// The same for JSON that is ready to print: DEL, U+0080 to U+009F and the marks of direction become \u escapes, which read back as what they were. (Those below a blank are escaped already.)
std::string printable_json(std::string_view json);

/// The same as printable, for text of several lines that the program prints as one message: lines after the first begin with two blanks, so that a line feed in a name cannot begin a message of its own.
std::string printable_message(std::string_view text);

/// A name as it stands within a sentence: on one line (line feeds and tabs written out as \n and \t), and cut after 400 bytes (whole characters), with "..." and its length.
std::string name_in_line(std::string_view name);

/// `text` as one word of a POSIX shell: as it is where that is safe, else in single quotes, a quote within as '\''.
std::string shell_word(std::string_view text);

/// Writes `text` and flushes. False where the stream does not take it (a closed pipe, a full disk); never throws: what a program tells must not end its work.
bool put_text(std::FILE* stream, std::string_view text);

}  // namespace morula
