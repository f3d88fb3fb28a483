// Quotas, timing wheel, options: the small parts.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "net/options.h"
#include "net/quotas.h"
#include "net/timing_wheel.h"

namespace godwit::net {
namespace {

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

TEST(Quotas, TotalAndAddress_AreGivenBackWithTheToken) {
  Quotas quotas(3, 2);
  ConnectionToken a = quotas.acquire();
  ConnectionToken b = quotas.acquire();
  ConnectionToken c = quotas.acquire();
  EXPECT_TRUE(a && b && c);
  EXPECT_FALSE(quotas.acquire());
  EXPECT_TRUE(a.bind(ip("192.0.2.1")));
  EXPECT_TRUE(b.bind(ip("192.0.2.1")));
  EXPECT_FALSE(c.bind(ip("192.0.2.1")));
  EXPECT_TRUE(c.bind(ip("192.0.2.2")));
  a.release();
  EXPECT_EQ(quotas.total(), 2U);
  ConnectionToken d = quotas.acquire();
  EXPECT_TRUE(d.bind(ip("192.0.2.1")));
  ConnectionToken moved = std::move(d);
  EXPECT_FALSE(d);
  EXPECT_TRUE(moved.has_address());
}

TEST(Quotas, Ipv6Neighbours_ShareOneCount) {
  Quotas quotas(10, 1);
  ConnectionToken a = quotas.acquire();
  ConnectionToken b = quotas.acquire();
  EXPECT_TRUE(a.bind(ip("2001:db8::1")));
  EXPECT_FALSE(b.bind(ip("2001:db8::2")));
  EXPECT_TRUE(b.bind(ip("2001:db8:0:1::1")));
}

struct Item : WheelNode {
  std::uint32_t due = 0;
  std::uint32_t due_tick() const { return due; }
};

TEST(TimingWheel, Item_ExpiresAtItsTickAndNotBefore) {
  for (const std::uint32_t wait : {1U, 2U, 511U, 512U, 513U, 2000U}) {
    TimingWheel<Item> wheel;
    Item item;
    item.due = wheel.now() + wait;
    wheel.schedule(item);
    std::uint32_t ticks = 0;
    bool fired = false;
    while (!fired && ticks < 3000) {
      ++ticks;
      wheel.advance([&](Item& i) {
        fired = true;
        i.due = UINT32_MAX;
      });
    }
    EXPECT_EQ(ticks, wait);
  }
}

TEST(TimingWheel, MovedDeadline_IsLookedUpWhenTheSlotComes) {
  TimingWheel<Item> wheel;
  Item item;
  item.due = wheel.now() + 5;
  wheel.schedule(item);
  std::vector<std::uint32_t> fired;
  for (int i = 0; i < 20; ++i) {
    if (wheel.now() == 3) item.due = 12;  // without telling the wheel
    wheel.advance([&](Item& it) {
      fired.push_back(wheel.now());
      it.due = UINT32_MAX;
    });
  }
  EXPECT_EQ(fired, std::vector<std::uint32_t>{12});
}

TEST(TimingWheel, ItemsThatGo_LeaveTheOthersAlone) {
  TimingWheel<Item> wheel;
  auto a = std::make_unique<Item>();
  Item b;
  a->due = b.due = wheel.now() + 1;
  wheel.schedule(*a);
  wheel.schedule(b);
  int fired = 0;
  wheel.advance([&](Item& item) {
    ++fired;
    if (&item == a.get()) {
      a.reset();
    } else {
      item.due = UINT32_MAX;
    }
  });
  EXPECT_EQ(fired, 2);
  int left = 0;
  wheel.for_each([&](Item&) { ++left; });
  EXPECT_EQ(left, 1);
}

TEST(Options, Nonsense_IsListedAllAtOnce) {
  Options options;
  options.name = "admin";
  options.tls_certificate = "cert.pem";
  options.proxy_protocol = true;
  options.output_budget_bytes = 0;
  try {
    validate(options);
    FAIL();
  } catch (const std::runtime_error& error) {
    const std::string text = error.what();
    for (const char* part : {"admin", "no address", "tls_key", "trusted_proxies", "output_budget_bytes"}) {
      EXPECT_NE(text.find(part), std::string::npos) << part;
    }
  }
}

}  // namespace
}  // namespace godwit::net
