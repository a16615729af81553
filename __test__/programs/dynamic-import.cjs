import('nearhash').then(({ L2 }) => {
  const index = new L2({ nProjections: 1, nHashTables: 1, r: 100 }).fitSync([[0, 0], [3, 4]])
  console.log(index.searchSync([[3, 3]], { k: 2 }).ids.join())
})
