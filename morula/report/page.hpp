// What every page has: head with its content policy, header, contents, sections, foot; and small blocks that several sections use.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "morula/report/report_data.hpp"

namespace morula::report {

/// Plain texts, escaped when written.
struct PageHead {
    std::string title;
    std::string kind;                // "Cell report"; the window's title says "TITLE · Morula report"
    std::vector<std::string> notes;  // stand behind the kind
    std::string banner;              // on the page and on every printed sheet; "": none
};

struct Section {
    std::string_view id;
    std::string_view title;
    std::string body;  // HTML; a section without is left out
};

/// From <!DOCTYPE> to the end of the header. The policy allows the embedded script and style sheet and nothing else.
std::string page_opening(const PageHead& head);
/// Contents and sections; the first section is the summary, whose heading is not seen.
std::string page_sections(const std::vector<Section>& sections);
/// The script and the end of the page.
std::string page_closing();

/// Each escapes its texts; an empty text or list gives "".
std::string paragraph(const std::string& text);
std::string callout(const std::string& text);
/// Large numbers in a row: the value over the words of its name. Those without a value are left out.
std::string tile_list(const std::vector<NameValue>& tiles);
std::string plain_list(const std::vector<std::string>& items);
std::string name_value_table(const std::string& caption, const std::string& file, const std::string& left, const std::string& right, const std::vector<NameValue>& rows);
/// Code with a button that copies it.
std::string code_block(const std::string& title, const std::string& code, const std::string& note);

}  // namespace morula::report
