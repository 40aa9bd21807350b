#include "morula/core/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace morula {
namespace {

struct Character {
    std::uint32_t code = 0;
    std::size_t bytes = 0;  // 0: no UTF-8
};

bool continues(std::string_view text, std::size_t at) { return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U; }

/// The character that begins at `at`: Unicode's table of well-formed UTF-8, overlong forms and surrogates refused.
Character character_at(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])); };
    const std::uint32_t first = byte(0);
    if (first < 0x80) return {first, 1};
    const std::size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4) return {};
    std::uint32_t code = first & (0x7FU >> n);
    for (std::size_t i = 1; i < n; ++i) {
        if (!continues(text, at + i)) return {};
        code = code << 6 | (byte(i) & 0x3FU);
    }
    constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[n] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
    return {code, n};
}

bool turns_direction(std::uint32_t code) { return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069); }
bool is_late_control(std::uint32_t code) { return code >= 0x7F && code <= 0x9F; }

}  // namespace

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const Character found = character_at(text, at);
        const bool is_control = (found.code < 0x20 && found.code != '\n' && found.code != '\t') || is_late_control(found.code);
        if (found.bytes == 0) fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text[at]));
        else if (is_control) fmt::format_to(std::back_inserter(out), "\\x{:02x}", found.code);
        else if (turns_direction(found.code)) fmt::format_to(std::back_inserter(out), "\\u{:04x}", found.code);
        else out.append(text.substr(at, found.bytes));
        at += found.bytes == 0 ? 1 : found.bytes;
    }
    return out;
}

std::string printable_message(std::string_view text) {
    std::string out;
    for (const char c : printable(text)) {
        out += c;
        if (c == '\n') out += "  ";
    }
    return out;
}

std::string name_in_line(std::string_view name) {
    constexpr std::size_t most_bytes = 400;
    std::size_t end = std::min(name.size(), most_bytes);
    while (end < name.size() && end > 0 && continues(name, end)) --end;
    std::string out;
    for (const char c : name.substr(0, end)) {
        if (c == '\n') out += "\\n";
        else if (c == '\t') out += "\\t";
        else out += c;
    }
    return end < name.size() ? fmt::format("{}... ({} bytes)", out, name.size()) : out;
}

std::string printable_json(std::string_view json) {
    std::string out;
    out.reserve(json.size());
    for (std::size_t at = 0; at < json.size();) {
        const Character found = character_at(json, at);
        const std::size_t bytes = found.bytes == 0 ? 1 : found.bytes;
        if (is_late_control(found.code) || turns_direction(found.code)) fmt::format_to(std::back_inserter(out), "\\u{:04x}", found.code);
        else out.append(json.substr(at, bytes));
        at += bytes;
    }
    return out;
}

std::string shell_word(std::string_view text) {
    constexpr std::string_view kSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./,:=+@%-";
    if (!text.empty() && text.find_first_not_of(kSafe) == std::string_view::npos) return std::string(text);
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += "'\\''";
        else out += c;
    }
    return out + "'";
}

bool put_text(std::FILE* stream, std::string_view text) {
    const bool whole = std::fwrite(text.data(), 1, text.size(), stream) == text.size();
    return std::fflush(stream) == 0 && whole;
}

}  // namespace morula
