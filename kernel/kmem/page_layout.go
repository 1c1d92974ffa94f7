package kmem

import (
	"mmsim/kernel/list"
	"mmsim/sim"
)

// PageBytes is the size of a page.
const PageBytes = sim.PageBytes

// PageLayout is struct page: one line for each page frame. Free pages are
// chained through lru; a slab page keeps struct slab in the same words.
var PageLayout = sim.NewLayout("page", 64, 64,
	sim.F("flags", 0, 8),
	list.Field("lru", 8),
	sim.F("mapping", 24, 8),
	sim.F("index", 32, 8),
	sim.F("private", 40, 8),
	sim.F("_mapcount", 48, 4),
	sim.F("_refcount", 52, 4),
	sim.F("memcg_data", 56, 8),
)

// Field handles of PageLayout.
var (
	PageFlags    = PageLayout.Field("flags")
	PageMapping  = PageLayout.Field("mapping")
	PageIndex    = PageLayout.Field("index")
	PageMapcount = PageLayout.Field("_mapcount")
	PageRefcount = PageLayout.Field("_refcount")

	pageLRU     = PageLayout.Field("lru")
	pagePrivate = PageLayout.Field("private")
)

// dataLayout names the contents of a page that holds nothing declared.
var dataLayout = sim.NewLayout("page_data", PageBytes, PageBytes, sim.Arr("word", 0, 8, PageBytes/8))

// pcpLayout is per_cpu_pages: the lock, the counts and the list that order-0
// allocations use share line 0 (vma-locking-and-fork.md section 1.7).
var pcpLayout = sim.NewLayout("per_cpu_pages", 256, 64,
	sim.F("lock", 0, 4),
	sim.F("count", 4, 4),
	sim.F("high", 8, 4),
	sim.F("batch", 20, 4),
	sim.F("alloc_factor", 25, 1),
	list.Field("lists[0]", 32),
)

var (
	pcpLock        = pcpLayout.Field("lock")
	pcpCount       = pcpLayout.Field("count")
	pcpHigh        = pcpLayout.Field("high")
	pcpBatch       = pcpLayout.Field("batch")
	pcpAllocFactor = pcpLayout.Field("alloc_factor")
	pcpList        = pcpLayout.Field("lists[0]")
)

// zoneLayout is the part of struct zone behind its padding: free lists first,
// the lock some lines later. unsplit_pfn is where the pages start that were
// never handed out: it stands for the free lists of the higher orders, from
// which a bulk allocation splits the next pages in address order.
var zoneLayout = sim.NewLayout("zone", 1216, 64,
	list.Field("free_area[0].free_list", 0),
	sim.F("free_area[0].nr_free", 96, 8),
	sim.F("free_area[10].unsplit_pfn", 1040, 8),
	sim.F("lock", 1160, 4),
)

var (
	zoneFree    = zoneLayout.Field("free_area[0].free_list")
	zoneNrFree  = zoneLayout.Field("free_area[0].nr_free")
	zoneUnsplit = zoneLayout.Field("free_area[10].unsplit_pfn")
	zoneLock    = zoneLayout.Field("lock")
)
