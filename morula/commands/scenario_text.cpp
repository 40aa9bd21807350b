#include "morula/commands/scenario_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "morula/core/error.hpp"
#include "morula/formats/text/text_stream.hpp"

namespace morula::commands::scenario_detail {
namespace {

/// The code point at `at`, which moves behind it; text is valid UTF-8.
std::uint32_t take_code_point(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
    const std::uint32_t first = byte(at);
    const std::size_t n = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    std::uint32_t code = first & (0xFFU >> (n + 1));
    for (std::size_t i = 1; i < n; ++i) code = code << 6 | (byte(at + i) & 0x3FU);
    at += n;
    return code;
}

/// What stands between two quotes, with letters beyond ASCII as escapes; a text in single quotes that has such letters goes into double ones.
std::string ascii_text(std::string_view inside, char quote) {
    const bool is_plain = std::all_of(inside.begin(), inside.end(), [](char c) { return (static_cast<unsigned char>(c) & 0x80U) == 0; });
    if (is_plain) return quote + std::string(inside) + quote;
    std::string out = "\"";
    for (std::size_t at = 0; at < inside.size();) {
        const char c = inside[at];
        if ((static_cast<unsigned char>(c) & 0x80U) != 0) {
            out += fmt::format("\\U{:08X}", take_code_point(inside, at));
            continue;
        }
        if (quote == '\'' && (c == '"' || c == '\\')) out += '\\';
        out += c;
        ++at;
    }
    return out + "\"";
}

}  // namespace

std::string between_quotes(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += '\\';
        if (byte < 0x20 || byte == 0x7F) out += fmt::format("\\u{:04X}", byte);
        else out += c;
    }
    return out;
}

std::string ascii_form(std::string_view text, const std::filesystem::path& path) {
    std::int64_t line = 1;
    const auto refuse = [&](std::string_view what, std::string next) { invalid_data(fmt::format("{}, line {}: {}.", path.string(), line, what), std::move(next)); };
    if (const std::size_t bad = formats::find_invalid_utf8(text); bad != std::string_view::npos) {
        line += std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
        refuse("is not UTF-8", "Save the file as UTF-8.");
    }
    std::string out;
    for (std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\n') ++line;
        if ((static_cast<unsigned char>(c) & 0x80U) != 0) refuse("a character that is no ASCII stands outside quotes", "Put texts in quotes.");
        if (c == '#') {
            for (; at < text.size() && text[at] != '\n'; ++at) out += (static_cast<unsigned char>(text[at]) & 0x80U) != 0 ? '?' : text[at];
            --at;
            continue;
        }
        if (c != '"' && c != '\'') {
            out += c;
            continue;
        }
        if (text.substr(at, 3) == std::string(3, c)) refuse("a text over several lines", "Write the text on one line, in single or double quotes.");
        const std::size_t begin = at + 1;
        for (++at; at < text.size() && text[at] != c && text[at] != '\n'; ++at) {
            if (c == '"' && text[at] == '\\') ++at;
        }
        if (at >= text.size() || text[at] == '\n') refuse("a quote is not closed", "Close the quote on the same line.");
        out += ascii_text(text.substr(begin, at - begin), c);
    }
    return out;
}

}  // namespace morula::commands::scenario_detail
